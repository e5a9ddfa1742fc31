//! Working memory that is reused, and results that need not be cleared before they are written.

use std::cell::RefCell;

thread_local! {
    /// Buffers that no one uses now; more than one where an operation needs several or waits inside one.
    static IDLE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Floats of a cache line.
const LINE: usize = 16;

/// Lends `body` a buffer of `length` floats, aligned to a cache line; what it holds is arbitrary.
///
/// Each thread keeps its buffers, so that a steady loop allocates nothing.
pub(crate) fn with_buffer<R>(length: usize, body: impl FnOnce(&mut [f32]) -> R) -> R {
    let mut buffer = IDLE.with_borrow_mut(Vec::pop).unwrap_or_default();
    if buffer.len() < length + LINE {
        buffer = vec![0.0; length + LINE];
    }
    let skip = buffer.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
    let result = body(&mut buffer[skip..][..length]);
    IDLE.with_borrow_mut(|idle| idle.push(buffer));
    result
}

/// A result of `length` floats that `write` fills.
///
/// # Safety
/// `write` reads no element before writing it, and writes all of them.
#[expect(clippy::uninit_vec, reason = "clearing what is overwritten at once would cost a tenth of a network's time")]
pub(crate) unsafe fn written(length: usize, write: impl FnOnce(&mut [f32])) -> Vec<f32> {
    let mut values = Vec::with_capacity(length);
    // SAFETY: the capacity is there, f32 has no destructor, and the caller vouches that `write` fills it
    // before anything is read.
    unsafe { values.set_len(length) };
    write(&mut values);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_distinct_and_reused() {
        let address = |b: &mut [f32]| b.as_ptr() as usize;
        let (outer, inner) = with_buffer(100, |outer| {
            assert_eq!(outer.len(), 100);
            (address(outer), with_buffer(70, address))
        });
        assert!(outer % 64 == 0 && inner % 64 == 0 && outer != inner);
        assert_eq!(with_buffer(100, address), outer);
    }
}
