package blob

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func encode(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func TestDecode(t *testing.T) {
	for _, text := range []string{"a", "ab", "abc", "abcd", strings.Repeat("x", 100)} {
		got, err := Decode(encode(text), 100)
		require.NoError(t, err)
		require.Equal(t, text, string(got))
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "image is empty"},
		{"data URI", "data:image/png;base64," + encode("png"), "only what follows its comma"},
		{"too large by one byte", encode(strings.Repeat("x", 101)), "image has 101 bytes, the limit is 100: send a smaller image or raise COLPALI_MAX_IMAGE_BYTES"},
		{"too large and not base64", strings.Repeat("!", 1000), "the limit is 100"},
		{"not base64", "not base64!", "not standard base64"},
		{"unpadded", "YQ", "not standard base64"},
		{"URL alphabet", base64.URLEncoding.EncodeToString([]byte{0xff, 0xff, 0xff}), "not standard base64"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Decode(c.text, 100)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"", "=", "==", "YQ==", "YWI=", "YWJj", "data:,", "Y\nQ==", "====", "YQ==YQ=="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const limit = 64
		decoded, err := Decode(text, limit)
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(decoded), limit)
		want, err := base64.StdEncoding.DecodeString(text)
		require.NoError(t, err)
		require.Equal(t, want, decoded)
	})
}
