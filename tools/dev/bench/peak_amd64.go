package main

import "golang.org/x/sys/cpu"

//go:noescape
func fmaYMM(loops int) // VFMADD231PS on 8 lanes; needs AVX2 and FMA

//go:noescape
func fmaZMM(loops int) // VFMADD231PS on 16 lanes; needs AVX-512 F

//go:noescape
func vnniYMM(loops int) // VPDPBUSD on 32 bytes; needs AVX-512 VL and VNNI

//go:noescape
func vnniZMM(loops int) // VPDPBUSD on 64 bytes; needs AVX-512 VNNI

//go:noescape
func maddYMM(loops int) // VPMADDUBSW, VPMADDWD, VPADDD on 32 bytes; needs AVX2

//go:noescape
func readYMM(memory *byte, blocks int) // reads blocks of 256 bytes; needs AVX2

// hasF16C asks CPUID for the conversions of float16, which golang.org/x/sys/cpu does not know. Every CPU with
// AVX2 has them.
func hasF16C() bool

// float32Peaks are the loops that can show this CPU's limit in float32. Wide registers are twice as fast on
// some CPUs and no faster on others (Zen 4 splits them), so both are tried.
func float32Peaks() []peak {
	var peaks []peak
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		peaks = append(peaks, peak{name: "FMA ymm", macs: 12 * 8, run: fmaYMM})
	}
	if cpu.X86.HasAVX512F {
		peaks = append(peaks, peak{name: "FMA zmm", macs: 12 * 16, run: fmaZMM})
	}
	return peaks
}

// int8Peaks are the same for products of bytes. Without VPDPBUSD the shortest way to exact 32-bit sums is a
// sequence of three instructions.
func int8Peaks() []peak {
	var peaks []peak
	if cpu.X86.HasAVX512VNNI {
		peaks = append(peaks, peak{name: vnni + " zmm", macs: 12 * 64, run: vnniZMM})
		if cpu.X86.HasAVX512VL {
			peaks = append(peaks, peak{name: vnni + " ymm", macs: 12 * 32, run: vnniYMM})
		}
	} else if cpu.X86.HasAVX2 {
		peaks = append(peaks, peak{name: "VPMADDUBSW+VPMADDWD+VPADDD ymm; no VNNI here", macs: 6 * 32, run: maddYMM})
	}
	return peaks
}

// memoryReader reads all of memory, whose length is a multiple of 256; nil where that is not measured.
func memoryReader() func(memory []byte) {
	if !cpu.X86.HasAVX2 {
		return nil
	}
	return func(memory []byte) { readYMM(&memory[0], len(memory)/256) }
}
