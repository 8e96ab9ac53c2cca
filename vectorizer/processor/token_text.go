package processor

import (
	"strconv"
	"strings"
)

// Text returns what a token stands for in a text: its piece with the vocabulary's spelling of spaces
// and bytes undone. A token of some bytes of a character only gives U+FFFD, one that does not exist "".
func (t *Tokenizer) Text(id int64) string {
	piece := t.Piece(id)
	if !t.byteLevel {
		if value, ok := fallbackByte(piece); ok {
			return strings.ToValidUTF8(string([]byte{value}), "\uFFFD")
		}
		return strings.ReplaceAll(piece, "\u2581", " ") // as SentencePiece writes a space
	}
	var text strings.Builder
	for _, character := range piece {
		if value, ok := characterBytes[character]; ok {
			text.WriteByte(value)
		} else { // of an added token, which is spelled plainly
			text.WriteRune(character)
		}
	}
	return strings.ToValidUTF8(text.String(), "\uFFFD")
}

// fallbackByte reads the piece of a byte that no other piece covers: <0x2C>.
func fallbackByte(piece string) (value byte, ok bool) {
	digits, begins := strings.CutPrefix(piece, "<0x")
	digits, ends := strings.CutSuffix(digits, ">")
	if !begins || !ends || len(digits) != 2 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 16, 8)
	return byte(n), err == nil
}

// characterBytes undoes byteCharacters.
var characterBytes = func() map[rune]byte {
	table := make(map[rune]byte, len(byteCharacters))
	for value, character := range byteCharacters {
		table[character] = byte(value)
	}
	return table
}()

// writesBytes reports whether words leave the pre-tokenizer as characters that stand for bytes.
func (s *preTokenizerSpec) writesBytes() bool {
	if s == nil {
		return false
	}
	for i := range s.PreTokenizers {
		if s.PreTokenizers[i].writesBytes() {
			return true
		}
	}
	return s.Type == "ByteLevel"
}
