package processor

import "unicode"

// The tokenizers library 0.22.2 asks Oniguruma for \p{L}, \p{N}, \p{M} and \s, with the tables of
// Unicode 16, and Rust for what is numeric, with those of Unicode 17. Go 1.26 has Unicode 15. What
// is missing stands here; TestCharacterClassesEqualLibrary compares every code point, and fails when
// a newer Go makes a line superfluous or the golden brings a new one.

var newLetters = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x1c89, 0x1c8a, 1},
		{0xa7cb, 0xa7cd, 1},
		{0xa7da, 0xa7dc, 1},
	},
	R32: []unicode.Range32{
		{0x105c0, 0x105f3, 1}, // Todhri
		{0x10d4a, 0x10d65, 1}, // Garay
		{0x10d6f, 0x10d85, 1},
		{0x10ec2, 0x10ec4, 1},
		{0x11380, 0x11389, 1}, // Tulu-Tigalari
		{0x1138b, 0x1138b, 1},
		{0x1138e, 0x1138e, 1},
		{0x11390, 0x113b5, 1},
		{0x113b7, 0x113b7, 1},
		{0x113d1, 0x113d1, 1},
		{0x113d3, 0x113d3, 1},
		{0x11bc0, 0x11be0, 1}, // Sunuwar
		{0x13460, 0x143fa, 1}, // Egyptian hieroglyphs
		{0x16100, 0x1611d, 1}, // Gurung Khema
		{0x16d40, 0x16d6c, 1}, // Kirat Rai
		{0x18cff, 0x18cff, 1},
		{0x1e5d0, 0x1e5ed, 1}, // Ol Onal
		{0x1e5f0, 0x1e5f0, 1},
		{0x2ebf0, 0x2ee5d, 1}, // CJK extension I
	},
}

var newMarks = &unicode.RangeTable{
	R16: []unicode.Range16{{0x0897, 0x0897, 1}},
	R32: []unicode.Range32{
		{0x10d69, 0x10d6d, 1},
		{0x10efc, 0x10efc, 1},
		{0x113b8, 0x113c0, 1},
		{0x113c2, 0x113c2, 1},
		{0x113c5, 0x113c5, 1},
		{0x113c7, 0x113ca, 1},
		{0x113cc, 0x113d0, 1},
		{0x113d2, 0x113d2, 1},
		{0x113e1, 0x113e2, 1},
		{0x11f5a, 0x11f5a, 1},
		{0x1611e, 0x1612f, 1},
		{0x1e5ee, 0x1e5ef, 1},
	},
}

var newNumbers = &unicode.RangeTable{
	R32: []unicode.Range32{
		{0x10d40, 0x10d49, 1},
		{0x116d0, 0x116e3, 1},
		{0x11bf0, 0x11bf9, 1},
		{0x16130, 0x16139, 1},
		{0x16d70, 0x16d79, 1},
		{0x1ccf0, 0x1ccf9, 1},
		{0x1e5f1, 0x1e5fa, 1},
	},
}

// newNumerics is what Rust counts as numeric and Oniguruma does not yet: numbers of Unicode 17.
var newNumerics = &unicode.RangeTable{
	R32: []unicode.Range32{
		{0x11de0, 0x11de9, 1},
		{0x16ff4, 0x16ff6, 1},
	},
}

func isLetter(r rune) bool { return unicode.IsLetter(r) || isNew(newLetters, r) }
func isMark(r rune) bool   { return unicode.IsMark(r) || isNew(newMarks, r) }
func isNumber(r rune) bool { return unicode.IsNumber(r) || isNew(newNumbers, r) }

// isNumeric is char::is_numeric, by which the pre-tokenizer Digits cuts.
func isNumeric(r rune) bool { return isNumber(r) || isNew(newNumerics, r) }

func isNew(table *unicode.RangeTable, r rune) bool {
	return r > unicode.MaxLatin1 && unicode.Is(table, r)
}
