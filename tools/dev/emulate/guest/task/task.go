// Package task is what the emulator's host and its guest have to agree on.
package task

// Mark starts each line of a report, and the task's token follows it.
const Mark = "emulate"

// Paths inside the guest.
const (
	File   = "/emulate.json" // holds a [Task]
	Binary = "/package.test"
	Output = "/dev/ttyS1" // of the test binary
)

// Task says how the guest runs the test binary.
type Task struct {
	Token string // proves that a report comes from the guest
	Dir   string // working directory
	Args  []string
	Env   []string
}
