package processor

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// roomy is what tests use that are not about limits.
var roomy = Limits{MaxBytes: 1 << 24, MaxPixels: 1 << 24}

// readGolden reads a file that a script of tools/dev/goldens wrote.
func readGolden(t testing.TB, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, into))
}

func readImageFile(t testing.TB, name string) []byte {
	t.Helper()
	blob, err := os.ReadFile(filepath.Join("testdata", "images", name))
	require.NoError(t, err)
	return blob
}

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// noise makes the image that noise() in tools/dev/goldens/pixels.py makes.
func noise(width, height int) *RGB {
	im := NewRGB(width, height)
	for i := range im.Pix {
		h := uint32(i)
		h ^= h >> 16
		h *= 0x7feb352d
		h ^= h >> 15
		h *= 0x846ca68b
		h ^= h >> 16
		im.Pix[i] = uint8(h)
	}
	return im
}
