//! The auxiliary vector that execve(2) leaves above the environment (getauxval(3)).

names! {
    /// Types of entries.
    AUXV: u64, choice u64::MAX => {
        AT_NULL = 0, "End of the vector.";
        AT_PHDR = 3, "Address of the program headers.";
        AT_PHENT = 4, "Bytes of one program header.";
        AT_PHNUM = 5, "Number of program headers.";
        AT_PAGESZ = 6, "Bytes of a page.";
        AT_BASE = 7, "Load address of the interpreter.";
        AT_FLAGS = 8, "Zero.";
        AT_ENTRY = 9, "Entry point of the program.";
        AT_UID = 11, "Real user id.";
        AT_EUID = 12, "Effective user id.";
        AT_GID = 13, "Real group id.";
        AT_EGID = 14, "Effective group id.";
        AT_PLATFORM = 15, "Address of the platform's name.";
        AT_HWCAP = 16, "CPU features (CPUID 1 EDX).";
        AT_CLKTCK = 17, "Ticks per second of times(2).";
        AT_SECURE = 23, "1 if the program gained privileges.";
        AT_RANDOM = 25, "Address of 16 random bytes.";
        AT_HWCAP2 = 26, "More CPU features.";
        AT_EXECFN = 31, "Address of the program's path.";
        AT_SYSINFO_EHDR = 33, "Address of the vDSO.";
    }
}
