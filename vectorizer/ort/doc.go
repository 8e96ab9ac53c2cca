// Package ort runs ONNX graphs through ONNX Runtime, a shared library found at run time.
//
//	rt, err := ort.Open(ort.Options{Device: "auto"})
//	session, err := rt.Load(ort.Graph{Path: "text.onnx", Inputs: ..., Output: ...})
//	err = session.Run(ctx, inputs, output)
//
// It is the only importer of onnxruntime_go and so the only place with cgo. Three things about that
// binding shape the package:
//
//   - Its environment is global to the process. [Open] counts users; the library is loaded once, by
//     the first, and unloaded after the last. Asking for a second library meanwhile is an error.
//   - Whether a device works shows only when a session is made on it, so Open makes a tiny one. A
//     device that was named and does not work is an error; only "auto" moves on to the next.
//   - Every concurrent Run grows an arena that never shrinks. Callers should run one at a time for
//     each device; the package does not enforce it.
//
// ONNX Runtime's own messages to stderr are silenced: what matters comes back as an error.
package ort
