package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Setting documents one thing that can be set: what it is called, what it is
// when nobody sets it, and what it may be. The tables of settings are what the
// code reads and what the documentation is made from, so the two cannot differ.
type Setting struct {
	// Name is the environment variable or the key in a schema.
	Name string
	// Default is the value used when the setting is absent, written as a user
	// would write it. It is empty where absence has a meaning of its own, which
	// Doc then states.
	Default string
	// Bound says in words which values are accepted.
	Bound string
	// Doc says what the setting does and why one would change it.
	Doc string
}

// refuse is the one form of an error about a setting: its name, the value that
// was given, and what would have been accepted.
func (s Setting) refuse(value any) error {
	if value == nil {
		return fmt.Errorf("%s is missing; it must be %s", s.Name, s.Bound)
	}
	return fmt.Errorf("%s is %s; it must be %s", s.Name, shorten(value), s.Bound)
}

// shorten writes a value for an error message: strings in quotes, and never so
// much that whoever sent it decides how long the server's log gets.
func shorten(value any) string {
	const most = 100
	text := fmt.Sprint(value)
	if s, ok := value.(string); ok {
		text = strconv.Quote(s)
	}
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// oneOf writes the bound of a setting that takes one of several words.
func oneOf(words []string) string {
	return "one of " + strings.Join(words, ", ")
}
