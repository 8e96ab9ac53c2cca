package processor

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// wordPattern is one of the regular expressions by which tokenizers cut text into words. It returns
// the length of the match at the head of a text that is not empty; every one of them matches there.
//
// They look ahead, which Go's regexp cannot, and a backtracking engine would be at the mercy of a
// model folder. As these few are what models use, they are written out, in linear time.
type wordPattern func(text string) int

// gpt2Pattern is also what the pre-tokenizer ByteLevel cuts by when use_regex is on.
const gpt2Pattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

var wordPatterns = map[string]wordPattern{
	gpt2Pattern: matchGPT2,
	// Qwen2, Qwen2.5 and Qwen3: each digit alone.
	`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`: foldingPattern{letters: letter, digits: 1}.match,
	// Qwen3.5: marks are part of words.
	`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`: foldingPattern{letters: letter | mark, digits: 1}.match,
	// Llama 3: digits in groups of three.
	`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`: foldingPattern{letters: letter, digits: 3}.match,
}

// split cuts the whole text into matches.
func (match wordPattern) split(text string) []string {
	var words []string
	for text != "" {
		length := match(text)
		words = append(words, text[:length])
		text = text[length:]
	}
	return words
}

// charClass is a set of kinds of characters; each character is of one kind.
type charClass uint8

const (
	letter  charClass = 1 << iota // \p{L}
	mark                          // \p{M}
	number                        // \p{N}
	newline                       // [\r\n]
	blank                         // the rest of \s
	other                         // all else

	space = newline | blank
)

func classOf(r rune) charClass {
	switch {
	case isLetter(r):
		return letter
	case r == '\r' || r == '\n':
		return newline
	case unicode.IsSpace(r):
		return blank
	case isNumber(r):
		return number
	case isMark(r):
		return mark
	}
	return other
}

// span returns the length of the characters of the class at the head of text, at most limit of them.
func span(text string, class charClass, limit int) int {
	length := 0
	for _, r := range text {
		if limit == 0 || classOf(r)&class == 0 {
			break
		}
		length += utf8.RuneLen(r)
		limit--
	}
	return length
}

const endless = -1 // as the limit of a span

func matchGPT2(text string) int {
	if length := contraction(text, func(r rune) rune { return r }); length > 0 {
		return length
	}
	rest := strings.TrimPrefix(text, " ")
	for _, class := range []charClass{letter, number, mark | other} {
		if length := span(rest, class, endless); length > 0 {
			return len(text) - len(rest) + length
		}
	}
	return matchSpaces(text)
}

// foldingPattern is the family that OpenAI's cl100k began.
type foldingPattern struct {
	letters charClass // what words are made of
	digits  int       // how many at most are one word
}

func (p foldingPattern) match(text string) int {
	if length := contraction(text, foldCase); length > 0 {
		return length
	}
	// [^\r\n\p{L}\p{N}]?\p{L}+
	first, size := utf8.DecodeRuneInString(text)
	if classOf(first)&(newline|letter|number) != 0 {
		size = 0
	}
	if length := span(text[size:], p.letters, endless); length > 0 {
		return size + length
	}
	if length := span(text, p.letters, endless); length > 0 {
		return length
	}
	if length := span(text, number, p.digits); length > 0 {
		return length
	}
	// ` ?[^\s\p{L}\p{N}]+[\r\n]*`
	rest := strings.TrimPrefix(text, " ")
	if length := span(rest, (mark|other)&^p.letters, endless); length > 0 {
		rest = rest[length:]
		return len(text) - len(rest) + span(rest, newline, endless)
	}
	// \s*[\r\n]+
	if last := strings.LastIndexAny(text[:span(text, space, endless)], "\r\n"); last >= 0 {
		return last + 1
	}
	return matchSpaces(text)
}

// matchSpaces is \s+(?!\S)|\s+: white space, without the last one where something follows it.
func matchSpaces(text string) int {
	length := span(text, space, endless)
	if length == len(text) {
		return length
	}
	_, last := utf8.DecodeLastRuneInString(text[:length])
	if length == last {
		return length
	}
	return length - last
}

// contraction is 's|'t|'re|'ve|'m|'ll|'d.
func contraction(text string, fold func(rune) rune) int {
	if text[0] != '\'' {
		return 0
	}
	first, size := utf8.DecodeRuneInString(text[1:])
	second, secondSize := utf8.DecodeRuneInString(text[1+size:])
	switch fold(first) {
	case 's', 't', 'm', 'd':
		return 1 + size
	case 'r', 'v':
		if fold(second) == 'e' {
			return 1 + size + secondSize
		}
	case 'l':
		if fold(second) == 'l' {
			return 1 + size + secondSize
		}
	}
	return 0
}

// foldCase is what (?i:...) does to the letters of the contractions.
func foldCase(r rune) rune {
	const longS = 'ſ'
	if r == longS {
		return 's'
	}
	return unicode.ToLower(r)
}
