package format

import (
	"errors"
	"fmt"
)

var (
	// ErrCorrupt says that a file is not what this package writes: damaged, cut
	// short or of another kind. The error names the section and what was expected.
	ErrCorrupt = errors.New("the file is damaged")

	// ErrVersion says that a newer program wrote the file. The error names both
	// versions.
	ErrVersion = errors.New("the file was written by a newer version")
)

// The versions, of all kinds together: a new one is a new line.
const (
	version1 = 1 // the first
	version2 = 2 // codes tell the rows of each centroid
	version3 = 3 // vectors tell the origins of rows; tunings

	newest = version3
)

// knownVersion fails unless this program reads files of a kind and version.
func knownVersion(kind Kind, version uint32) error {
	switch {
	case version == 0:
		return corrupt("version", "0, expected 1 to %d", newest)
	case version > newest:
		return fmt.Errorf("%w: its format is %d, this program reads up to %d", ErrVersion, version, newest)
	case len(sections(kind, version)) == 0:
		return corrupt("version", "%d, which has no %s", version, kind)
	}
	return nil
}

// corrupt is ErrCorrupt in a section, with what is there and what was expected.
func corrupt(section, format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrCorrupt, misfit(section, format, args...))
}

// misfit says what is wrong with a section, be it of a file that is read or of one
// that is about to be written.
func misfit(section, format string, args ...any) error {
	return fmt.Errorf("%s: %s", section, fmt.Sprintf(format, args...))
}
