//! usertests: checks the kernel, one property a case. `usertests -l` lists them.

#![no_std]
#![no_main]

ulib::main!(user::usertests::main);
