package ort

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWidened(t *testing.T) {
	for half, want := range map[uint16]float64{
		0x3c00: 1, 0xc000: -2, 0x3555: 0.333251953125, 0x7bff: 65504, 0xfbff: -65504,
		0x0001: 0x1p-24, 0x83ff: -1023 * 0x1p-24, 0x0400: 0x1p-14, 0: 0,
		0x7c00: math.Inf(1), 0xfc00: math.Inf(-1),
	} {
		require.Equal(t, math.Float32bits(float32(want)), math.Float32bits(widened(half)), "%#x", half)
	}
	require.True(t, math.Signbit(float64(widened(0x8000))))
	require.True(t, math.IsNaN(float64(widened(0x7e00))))
	for half := range uint16(0x7c00) {
		require.Less(t, widened(half), widened(half+1))
	}
}

func TestAHalfOutputIsWidenedOnlyWhereTheGraphHasOne(t *testing.T) {
	session, err := open(t, "cpu").Load(Graph{Name: "probe", Bytes: probe, Inputs: []string{"x"}, Output: "y", HalfOutput: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, session.Close()) }()
	require.ErrorIs(t, session.Run(t.Context(), []Tensor{scalar(1)}, scalar(0)), ErrRun)
}
