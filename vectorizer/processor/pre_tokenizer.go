package processor

import (
	"errors"
	"fmt"
	"strings"
)

// preTokenizerSpec is one pre-tokenizer of a tokenizer.json: it cuts normalized text into words. No
// merge crosses the border of a word. Which fields count depends on the type.
type preTokenizerSpec struct {
	Type             string             `json:"type"`
	PreTokenizers    []preTokenizerSpec `json:"pretokenizers"`     // Sequence
	Pattern          textPattern        `json:"pattern"`           // Split
	Behavior         string             `json:"behavior"`          // Split
	Invert           bool               `json:"invert"`            // Split
	IndividualDigits *bool              `json:"individual_digits"` // Digits
	AddPrefixSpace   *bool              `json:"add_prefix_space"`  // ByteLevel
	UseRegex         *bool              `json:"use_regex"`         // ByteLevel, on where it is left out
}

type wordSplitter func(text string) []string

func (s *preTokenizerSpec) build() (wordSplitter, error) {
	if s == nil {
		return func(text string) []string { return []string{text} }, nil
	}
	switch s.Type {
	case "Sequence":
		return s.sequence()
	case "Split":
		return s.buildSplit()
	case "Digits":
		return s.digits()
	case "ByteLevel":
		return s.byteLevel()
	}
	return nil, fmt.Errorf("pre-tokenizer %q is not implemented; %s", shorten(s.Type), supportedTokenizers)
}

// sequence cuts the words of each pre-tokenizer by the next one.
func (s *preTokenizerSpec) sequence() (wordSplitter, error) {
	steps := make([]wordSplitter, len(s.PreTokenizers))
	for i := range s.PreTokenizers {
		step, err := s.PreTokenizers[i].build()
		if err != nil {
			return nil, err
		}
		steps[i] = step
	}
	return func(text string) []string {
		words := []string{text}
		for _, step := range steps {
			var finer []string
			for _, word := range words {
				finer = append(finer, step(word)...)
			}
			words = finer
		}
		return words
	}, nil
}

// buildSplit accepts the known regular expressions, and what Gemma's file says, Split(" ",
// MergedWithPrevious): after its normalizer no space is left to split at, so that the whole text is one
// word.
func (s *preTokenizerSpec) buildSplit() (wordSplitter, error) {
	switch {
	case s.Pattern.Regex != nil:
		return s.splitByPattern(*s.Pattern.Regex)
	case s.Pattern.String == nil || *s.Pattern.String == "":
		return nil, errors.New("pre-tokenizer Split has no pattern")
	case s.Behavior != "MergedWithPrevious" || s.Invert:
		return nil, fmt.Errorf("pre-tokenizer Split on a string with behavior %q and invert %v is not implemented, only MergedWithPrevious",
			shorten(s.Behavior), s.Invert)
	}
	separator := *s.Pattern.String
	return func(text string) []string { return strings.SplitAfter(text, separator) }, nil
}

func (s *preTokenizerSpec) splitByPattern(regex string) (wordSplitter, error) {
	pattern, ok := wordPatterns[regex]
	if !ok {
		return nil, fmt.Errorf("pre-tokenizer Split on the regular expression %q is not implemented; known are those of GPT-2, "+
			"Llama 3, Qwen2 to Qwen3 and Qwen3.5", shorten(regex))
	}
	if s.Behavior != "Isolated" || s.Invert {
		return nil, fmt.Errorf("pre-tokenizer Split on a regular expression with behavior %q and invert %v is not implemented, only Isolated",
			shorten(s.Behavior), s.Invert)
	}
	return pattern.split, nil
}

// digits cuts out numbers, digit by digit: ½, Ⅻ and digits of all scripts are some.
func (s *preTokenizerSpec) digits() (wordSplitter, error) {
	if s.IndividualDigits == nil || !*s.IndividualDigits {
		return nil, errors.New("pre-tokenizer Digits without individual_digits is not implemented")
	}
	return splitDigits, nil
}

func splitDigits(text string) []string {
	var words []string
	start := 0
	for at, r := range text {
		if !isNumeric(r) {
			continue
		}
		if start < at {
			words = append(words, text[start:at])
		}
		start = at + len(string(r))
		words = append(words, text[at:start])
	}
	if start < len(text) {
		words = append(words, text[start:])
	}
	return words
}

// byteLevel writes each byte of a word as a character of its own, so that a vocabulary of
// characters covers all bytes; the alphabet is GPT-2's.
func (s *preTokenizerSpec) byteLevel() (wordSplitter, error) {
	if s.AddPrefixSpace == nil || *s.AddPrefixSpace {
		return nil, errors.New("pre-tokenizer ByteLevel with add_prefix_space is not implemented")
	}
	if s.UseRegex != nil && !*s.UseRegex {
		return func(text string) []string { return []string{byteLevelText(text)} }, nil
	}
	split := wordPatterns[gpt2Pattern].split
	return func(text string) []string {
		words := split(text)
		for i := range words {
			words[i] = byteLevelText(words[i])
		}
		return words
	}, nil
}

func byteLevelText(word string) string {
	var text strings.Builder
	text.Grow(2 * len(word))
	for i := range len(word) {
		text.WriteRune(byteCharacters[word[i]])
	}
	return text.String()
}

// byteCharacters stand for bytes: printable Latin-1 for itself, the others from U+0100 on.
var byteCharacters = func() (table [256]rune) {
	substitute := rune(0x100)
	for value := range rune(len(table)) {
		switch {
		case '!' <= value && value <= '~', '¡' <= value && value <= '¬', '®' <= value && value <= 'ÿ':
			table[value] = value
		default:
			table[value] = substitute
			substitute++
		}
	}
	return table
}()

// textPattern is a literal or a regular expression.
type textPattern struct {
	String *string `json:"String"`
	Regex  *string `json:"Regex"`
}
