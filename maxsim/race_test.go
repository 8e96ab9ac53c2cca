//go:build race

package maxsim

const raceDetector = true
