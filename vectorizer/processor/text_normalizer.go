package processor

import (
	"fmt"
	"strings"
	"unicode"
)

// normalizerSpec is one normalizer of a tokenizer.json; which fields count depends on the type.
type normalizerSpec struct {
	Type        string           `json:"type"`
	Normalizers []normalizerSpec `json:"normalizers"` // Sequence
	Pattern     textPattern      `json:"pattern"`     // Replace
	Content     string           `json:"content"`     // Replace
	Prepend     string           `json:"prepend"`     // Prepend
}

type textNormalizer func(text string) string

func (s *normalizerSpec) build() (textNormalizer, error) {
	if s == nil {
		return func(text string) string { return text }, nil
	}
	switch s.Type {
	case "NFC":
		return nfc, nil
	case "Lowercase":
		return lowercase, nil
	case "Prepend":
		return s.prepend, nil
	case "Replace":
		if s.Pattern.String == nil || *s.Pattern.String == "" {
			return nil, fmt.Errorf("normalizer Replace of a regular expression is not implemented; %s", supportedTokenizers)
		}
		return strings.NewReplacer(*s.Pattern.String, s.Content).Replace, nil
	case "Sequence":
		return s.sequence()
	}
	return nil, fmt.Errorf("normalizer %q is not implemented; %s", shorten(s.Type), supportedTokenizers)
}

func (s *normalizerSpec) prepend(text string) string {
	if text == "" {
		return ""
	}
	return s.Prepend + text
}

func (s *normalizerSpec) sequence() (textNormalizer, error) {
	steps := make([]textNormalizer, len(s.Normalizers))
	for i := range s.Normalizers {
		step, err := s.Normalizers[i].build()
		if err != nil {
			return nil, err
		}
		steps[i] = step
	}
	return func(text string) string {
		for _, step := range steps {
			text = step(text)
		}
		return text
	}, nil
}

// lowercase maps each character by itself, as Rust's char::to_lowercase does: a final sigma is not
// special.
func lowercase(text string) string {
	var lower strings.Builder
	lower.Grow(len(text))
	for _, r := range text {
		if r == 'İ' { // the one character whose lower case has two: i and a combining dot
			lower.WriteString("i\u0307")
			continue
		}
		lower.WriteRune(lowerRune(r))
	}
	return lower.String()
}

// lowerRune adds the capitals of Unicode 16 and 17, which the tokenizers library knows, to Go's
// tables of Unicode 15.
func lowerRune(r rune) rune {
	switch {
	case r < 0x1c89:
		return unicode.ToLower(r)
	case r == 0x1c89, r == 0xa7cc, r == 0xa7ce, r == 0xa7d2, r == 0xa7d4, r == 0xa7da:
		return r + 1
	case r == 0xa7cb:
		return 0x264
	case r == 0xa7dc:
		return 0x19b
	case 0x10d50 <= r && r <= 0x10d65: // Garay
		return r + 0x20
	case 0x16ea0 <= r && r <= 0x16eb8: // Beria Erfe
		return r + 0x1b
	}
	return unicode.ToLower(r)
}
