//! The guest's disk seen from the host: the image file, the layers of changes above it, and files in and out.
//!
//! The image is only read. What `--put` writes lies in a [`Layer`] above it; what the guest writes lies in the virtual
//! disk's own overlay, and can be laid on top afterwards, for `--get` and `--persist`. Both go through the same file
//! system that the guest's kernel runs (`kcore`).

mod fsck;
pub mod image;
pub mod layer;
pub mod transfer;

pub use fsck::fsck;
pub use image::Image;
pub use layer::Layer;
