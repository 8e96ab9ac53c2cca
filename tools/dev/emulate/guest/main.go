//go:build linux

// Command guest runs inside the emulator. As the first process of an emulated PC it runs the test
// binary and reports how that ended; otherwise it only reports what the CPU can do. Reports go to
// standard output, and start with a token:
//
//	guest TOKEN
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"unsafe"

	"weaviate-colpali/tools/dev/emulate/guest/task"
)

func main() {
	if os.Getpid() != 1 {
		reportFeatures(os.Args[len(os.Args)-1])
		return
	}
	boot()
	_ = drain(os.Stdout)
	_ = syscall.Reboot(syscall.LINUX_REBOOT_CMD_RESTART)
}

func say(token, kind, text string) {
	fmt.Fprintf(os.Stdout, "%s %s %s %s\n", task.Mark, token, kind, strings.ReplaceAll(text, "\n", " "))
}

func reportFeatures(token string) {
	names, err := features()
	if err != nil {
		say(token, "error", err.Error())
		return
	}
	say(token, "features", strings.Join(names, " "))
}

// boot does what the first process has to do.
func boot() {
	t, err := readTask()
	if err != nil {
		fmt.Fprintln(os.Stdout, "guest:", err)
		return
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		say(t.Token, "error", "mount /proc: "+err.Error())
		return
	}
	reportFeatures(t.Token)
	status, err := runTests(t)
	if err != nil {
		say(t.Token, "error", err.Error())
		return
	}
	say(t.Token, "exit", fmt.Sprint(status))
}

func readTask() (task.Task, error) {
	var t task.Task
	data, err := os.ReadFile(task.File)
	if err == nil {
		err = json.Unmarshal(data, &t)
	}
	return t, err
}

// runTests returns the exit status of the test binary, after all of its output has left the machine.
func runTests(t task.Task) (int, error) {
	out, err := os.OpenFile(task.Output, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return 0, err
	}
	defer out.Close()
	if err := setUp(out); err != nil {
		return 0, err
	}
	cmd := exec.Command(task.Binary, t.Args...)
	cmd.Dir = t.Dir
	cmd.Env = append([]string{"HOME=/tmp", "TMPDIR=/tmp", "PATH=/"}, t.Env...)
	cmd.Stdout, cmd.Stderr = out, out
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	return cmd.ProcessState.ExitCode(), drain(out)
}

// setUp makes the serial line fast, and keeps it from turning \n into \r\n.
func setUp(f *os.File) error {
	const cbaud = 0x100f // CBAUD: the bits of the speed
	var settings syscall.Termios
	if err := ioctl(f, syscall.TCGETS, uintptr(unsafe.Pointer(&settings))); err != nil {
		return err
	}
	settings.Oflag &^= syscall.OPOST
	settings.Cflag = settings.Cflag&^cbaud | syscall.B115200
	return ioctl(f, syscall.TCSETS, uintptr(unsafe.Pointer(&settings)))
}

// drain waits until the last byte is out.
func drain(f *os.File) error {
	const tcsbrk = 0x5409 // TCSBRK, with 1: no break
	return ioctl(f, tcsbrk, 1)
}

func ioctl(f *os.File, request, arg uintptr) error {
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, arg); errno != 0 {
		return &os.PathError{Op: "ioctl", Path: f.Name(), Err: errno}
	}
	return nil
}
