//! sh: the shell.

#![no_std]
#![no_main]

ulib::main!(user::sh::main);
