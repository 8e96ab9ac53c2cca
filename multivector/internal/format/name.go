package format

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is what a file holds, and the extension of its name.
type Kind string

// The kinds.
const (
	KindVectors  Kind = "vectors"
	KindCodes    Kind = "codes"
	KindCodebook Kind = "codebook"
	KindTuning   Kind = "tuning"
)

// FileName is the name of a file. Numbers count upwards over all kinds.
func FileName(number uint64, kind Kind) string {
	return fmt.Sprintf("%08d.%s", number, kind)
}

// ParseFileName is the reverse of [FileName]. It is not ok for any name that
// FileName does not make, nor for the number 0, which stands for no file.
func ParseFileName(name string) (number uint64, kind Kind, ok bool) {
	digits, extension, _ := strings.Cut(name, ".")
	number, err := strconv.ParseUint(digits, 10, 64)
	kind = Kind(extension)
	_, known := layouts[kind]
	if err != nil || !known || number == 0 || FileName(number, kind) != name {
		return 0, "", false
	}
	return number, kind, true
}
