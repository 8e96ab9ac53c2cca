package format

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFileNamesParse(t *testing.T) {
	for name, number := range map[string]uint64{
		"00000001.vectors": 1, "00000009.tuning": 9, "12345678.codes": 12345678, "123456789.codebook": 123456789, "18446744073709551615.codes": math.MaxUint64,
	} {
		got, kind, ok := ParseFileName(name)
		require.True(t, ok, name)
		require.Equal(t, number, got)
		require.Equal(t, name, FileName(number, kind))
	}
	for _, name := range []string{
		"", ".", "00000001.vectors.damaged", "1.vectors", "00000001.vectors.tmp", "00000001.wal", "00000001", "000000001.vectors",
		"+0000001.codes", "00000000.codes", "18446744073709551616.codes", "x0000001.codes", "00000001.Codes", "0000_001.codes",
	} {
		_, _, ok := ParseFileName(name)
		require.False(t, ok, name)
	}
}
