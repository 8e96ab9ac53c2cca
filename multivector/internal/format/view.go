package format

import (
	"bytes"
	"unsafe"
)

// element is what a section may hold, little-endian as the processors that maxsim
// compiles on.
type element interface {
	uint8 | uint16 | uint32 | uint64 | float32
}

// view is the elements that b consists of, not copied. b must be aligned.
func view[E element](b []byte) []E {
	return unsafe.Slice((*E)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/widthOf[E]())
}

// bytesOf is the memory of elements, not copied.
func bytesOf[E element](values []E) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values)*widthOf[E]())
}

func widthOf[E element]() int {
	var e E
	return int(unsafe.Sizeof(e))
}

// aligned is b, or a copy of it where b begins at an address that is not a multiple
// of 8. That of a mapping or of a file that was read into memory always is.
func aligned(b []byte) []byte {
	if uintptr(unsafe.Pointer(unsafe.SliceData(b)))%8 == 0 {
		return b
	}
	return bytes.Clone(b)
}
