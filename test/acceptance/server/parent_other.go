//go:build !linux

package server

import "syscall"

// endWithParent asks for nothing: only Linux can end a child with its parent.
func endWithParent() *syscall.SysProcAttr { return nil }
