package vfs

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
)

// ErrFault says that memory could not be read: a page of a mapped file that the
// disk did not deliver, or that lies behind the end of a file that was cut short.
var ErrFault = errors.New("memory fault")

// Guard runs f, which reads mapped files, and makes a memory fault in it an error
// that wraps [ErrFault] and names the address. What f had done until then is done.
// Every other panic of f goes on, and so does a nil pointer.
//
// It guards this goroutine only, not those that f starts. A mapping that is read
// after its Close faults as a bad disk does, and Guard cannot tell them apart.
// Entering costs some 10 ns, so guard a document or a section, not a row.
func Guard(f func()) (err error) {
	former := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(former)
		switch p := recover().(type) {
		case nil: // f returned, or it ends the goroutine by runtime.Goexit
		case fault:
			err = fmt.Errorf("%w at address %#x", ErrFault, p.Addr())
		default:
			panic(p) // the stack of the first panic is still there to be printed
		}
	}()
	f()
	return nil
}

// fault is how the runtime panics after a memory fault. A nil pointer has no Addr.
type fault interface {
	runtime.Error
	Addr() uintptr
}
