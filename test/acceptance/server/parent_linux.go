package server

import "syscall"

// endWithParent lets the server end when the test binary is gone: `go test` kills a test that runs
// over its time without giving it a chance to stop what it started.
func endWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
