package ort

import "errors"

var (
	// ErrLibrary means that no usable ONNX Runtime library was found. The error lists the places
	// looked at and what was wrong with each.
	ErrLibrary = errors.New("ONNX Runtime library not usable")
	// ErrDevice means that the device asked for does not work with this library on this machine.
	ErrDevice = errors.New("device not usable")
	// ErrGraph means that ONNX Runtime cannot load a graph: the file is damaged, cut off, or needs
	// a newer library.
	ErrGraph = errors.New("graph cannot be loaded")
	// ErrRun means that a graph refused its inputs or failed while running.
	ErrRun = errors.New("inference failed")
	// ErrMemory means that a device has too little memory for the inputs: fewer at once may fit. It is an
	// ErrRun, too.
	ErrMemory = errors.New("out of device memory")
	// ErrClosed means that the runtime or session was closed.
	ErrClosed = errors.New("closed")
)
