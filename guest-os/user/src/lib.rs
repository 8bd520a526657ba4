//! What several programs of Silica share, and the larger programs in parts.

#![no_std]
#![warn(missing_docs)]
#![forbid(unsafe_code)]

pub mod echo;
