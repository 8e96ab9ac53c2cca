package main

import "fmt"

// instruction is one that Go's assembler does not know: its code, and its text as
// Arm spells it, destination first, which is what disassemblers show.
type instruction struct {
	code uint32
	text string
}

// two encodes an instruction with one source: bits 0 to 4 name the destination,
// bits 5 to 9 the source.
func two(code uint32, text string, d, n vec) instruction {
	return instruction{code | uint32(n)<<5 | uint32(d), fmt.Sprintf(text, int(d), int(n))}
}

// three encodes an instruction with two sources: bits 16 to 20 name the second.
func three(code uint32, text string, d, n, m vec) instruction {
	return instruction{code | uint32(m)<<16 | uint32(n)<<5 | uint32(d), fmt.Sprintf(text, int(d), int(n), int(m))}
}

// byElement encodes an instruction that takes one of four elements of m for all
// lanes: bit 11 is the high bit of its number, bit 21 the low one.
func byElement(code uint32, text string, d, n, m vec, element int) instruction {
	i := three(code, text, d, n, m)
	high, low := uint32(element)>>1, uint32(element)&1
	return instruction{i.code | high<<11 | low<<21, fmt.Sprintf("%s[%d]", i.text, element)}
}

// fmla adds n * m[element] to d, rounded once.
func fmla(d, n, m vec, element int) instruction {
	return byElement(0x4f801000, "fmla v%d.4s, v%d.4s, v%d.s", d, n, m, element)
}

// sdot adds, to each 32-bit lane of d, the four products of the signed bytes in
// that lane of n and in element m[element].
func sdot(d, n, m vec, element int) instruction {
	return byElement(0x4f80e000, "sdot v%d.4s, v%d.16b, v%d.4b", d, n, m, element)
}

// fmulBy sets d to n * m[element].
func fmulBy(d, n, m vec, element int) instruction {
	return byElement(0x4f809000, "fmul v%d.4s, v%d.4s, v%d.s", d, n, m, element)
}

// fmul sets d to n * m.
func fmul(d, n, m vec) instruction {
	return three(0x6e20dc00, "fmul v%d.4s, v%d.4s, v%d.4s", d, n, m)
}

// fadd sets d to n + m.
func fadd(d, n, m vec) instruction {
	return three(0x4e20d400, "fadd v%d.4s, v%d.4s, v%d.4s", d, n, m)
}

// fcmgt sets all bits of those lanes of d where n > m, and none where they are
// equal or either is NaN.
func fcmgt(d, n, m vec) instruction {
	return three(0x6ea0e400, "fcmgt v%d.4s, v%d.4s, v%d.4s", d, n, m)
}

// scvtf converts signed integers to float32, to the nearest, ties to even.
func scvtf(d, n vec) instruction {
	return two(0x4e21d800, "scvtf v%d.4s, v%d.4s", d, n)
}

// fcvtl and fcvtl2 convert the low and the high four float16 of n to float32.
func fcvtl(d, n vec) instruction  { return two(0x0e217800, "fcvtl v%d.4s, v%d.4h", d, n) }
func fcvtl2(d, n vec) instruction { return two(0x4e217800, "fcvtl2 v%d.4s, v%d.8h", d, n) }

// fcvtnu converts float32 to the nearest unsigned integers, ties to even. What is
// out of range becomes the end of the range, NaN becomes 0.
func fcvtnu(d, n vec) instruction {
	return two(0x6e21a800, "fcvtnu v%d.4s, v%d.4s", d, n)
}

// uqxtnHalf and uqxtnByte halve the width of unsigned integers, from 32 and 16
// bits. What does not fit becomes the largest that does.
func uqxtnHalf(d, n vec) instruction { return two(0x2e614800, "uqxtn v%d.4h, v%d.4s", d, n) }
func uqxtnByte(d, n vec) instruction { return two(0x2e214800, "uqxtn v%d.8b, v%d.8h", d, n) }
