//! Memory mappings: sys/mman.h, mmap(2), madvise(2).

names! {
    /// Protection of mmap(2) and mprotect(2).
    PROT: u32, choice 0 => {
        PROT_NONE = 0, "No access.";
        PROT_READ = 1, "Readable.";
        PROT_WRITE = 2, "Writable.";
        PROT_EXEC = 4, "Executable.";
        PROT_SEM = 8, "For atomic operations; no effect.";
        PROT_GROWSDOWN = 0x0100_0000, "Extend to the start of a growing stack.";
        PROT_GROWSUP = 0x0200_0000, "Extend to its end.";
    }
}

names! {
    /// Flags of mmap(2). Sharing is one of three values, the rest are single bits.
    MAP: u32, choice 0xf => {
        MAP_SHARED = 1, "Writes reach the file and other processes.";
        MAP_PRIVATE = 2, "Writes stay here (copy on write).";
        MAP_SHARED_VALIDATE = 3, "`MAP_SHARED` that rejects unknown flags.";
        MAP_FILE = 0, "Not shared in any way, which is an error.";
        MAP_FIXED = 0x10, "Exactly at the given address, replacing what is there.";
        MAP_ANONYMOUS = 0x20, "Zero pages, no file.";
        MAP_32BIT = 0x40, "Below 2 GiB.";
        MAP_NORESERVE = 0x4000, "Do not reserve memory.";
        MAP_POPULATE = 0x8000, "Fault all pages in now.";
        MAP_NONBLOCK = 0x10000, "With `MAP_POPULATE`: no reading ahead.";
        MAP_GROWSDOWN = 0x100, "A stack.";
        MAP_DENYWRITE = 0x800, "Ignored.";
        MAP_EXECUTABLE = 0x1000, "Ignored.";
        MAP_LOCKED = 0x2000, "Keep in memory.";
        MAP_STACK = 0x20000, "For a thread's stack; no effect.";
        MAP_HUGETLB = 0x40000, "Huge pages.";
        MAP_SYNC = 0x80000, "Writes are durable when the page is dirty.";
        MAP_FIXED_NOREPLACE = 0x10_0000, "Exactly there, but replace nothing.";
    }
}

names! {
    /// Advice of madvise(2).
    MADVISE: u32, choice u64::MAX => {
        MADV_NORMAL = 0, "No particular pattern.";
        MADV_RANDOM = 1, "Random access.";
        MADV_SEQUENTIAL = 2, "Sequential access.";
        MADV_WILLNEED = 3, "Needed soon.";
        MADV_DONTNEED = 4, "Contents may be dropped.";
        MADV_FREE = 8, "Contents may be dropped when memory is short.";
        MADV_REMOVE = 9, "The pages of the file are dropped, too.";
        MADV_DONTFORK = 10, "A child does not get them.";
        MADV_DOFORK = 11, "It does.";
        MADV_MERGEABLE = 12, "Equal pages may become one.";
        MADV_UNMERGEABLE = 13, "They may not.";
        MADV_HUGEPAGE = 14, "Huge pages are welcome.";
        MADV_NOHUGEPAGE = 15, "They are not.";
        MADV_DONTDUMP = 16, "Not in core files.";
        MADV_DODUMP = 17, "In core files.";
        MADV_WIPEONFORK = 18, "A child finds zeros.";
        MADV_KEEPONFORK = 19, "It does not.";
        MADV_COLD = 20, "Not needed for a while.";
        MADV_PAGEOUT = 21, "Not needed for long.";
    }
}

names! {
    /// Flags of mremap(2).
    MREMAP: u32, choice 0 => {
        MREMAP_MAYMOVE = 1, "The mapping may move.";
        MREMAP_FIXED = 2, "It moves to the given address.";
        MREMAP_DONTUNMAP = 4, "The old place stays mapped.";
    }
}
