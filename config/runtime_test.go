package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func environment(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := values[name]
		return value, ok
	}
}

func TestRuntimeFromEnvDefaults(t *testing.T) {
	want := Runtime{
		Device:         "auto",
		DeviceIDs:      []int{0},
		PageBatch:      4,
		BatchTokens:    32768,
		MaxQueue:       256,
		MaxImageBytes:  32 << 20,
		MaxImagePixels: 64 << 20,
		MaxImageMemory: 2048,
		MaxQueryBytes:  16 << 10,
	}
	unset, err := RuntimeFromEnv(environment(nil))
	require.NoError(t, err)
	require.Equal(t, want, unset)

	blank := map[string]string{}
	for _, s := range RuntimeSettings() {
		blank[s.Name] = " "
	}
	empty, err := RuntimeFromEnv(environment(blank))
	require.NoError(t, err)
	require.Equal(t, want, empty, "a variable that nobody filled in counts as unset")
}

func TestRuntimeFromEnvReadsEveryVariable(t *testing.T) {
	got, err := RuntimeFromEnv(environment(map[string]string{
		"COLPALI_MODEL_DIR":        "/models/colpali-v1.3",
		"COLPALI_ONNXRUNTIME":      "/opt/lib/libonnxruntime.so",
		"COLPALI_DEVICE":           "cuda",
		"COLPALI_DEVICE_IDS":       "1, 0",
		"COLPALI_DEVICE_MEMORY":    "6144",
		"COLPALI_TENSORRT_CACHE":   "/engines",
		"COLPALI_THREADS":          "8",
		"COLPALI_PAGE_BATCH":       " 16 ",
		"COLPALI_BATCH_TOKENS":     "4096",
		"COLPALI_MAX_QUEUE":        "3",
		"COLPALI_MAX_IMAGE_BYTES":  "1000",
		"COLPALI_MAX_IMAGE_PIXELS": "2000",
		"COLPALI_MAX_IMAGE_MEMORY": "64",
		"COLPALI_MAX_QUERY_BYTES":  "300",
	}))
	require.NoError(t, err)
	require.Equal(t, Runtime{
		ModelDir:       "/models/colpali-v1.3",
		Library:        "/opt/lib/libonnxruntime.so",
		Device:         "cuda",
		DeviceIDs:      []int{1, 0},
		DeviceMemory:   6144,
		EngineCache:    "/engines",
		Threads:        8,
		PageBatch:      16,
		BatchTokens:    4096,
		MaxQueue:       3,
		MaxImageBytes:  1000,
		MaxImagePixels: 2000,
		MaxImageMemory: 64,
		MaxQueryBytes:  300,
	}, got)
}

func TestRuntimeFromEnvRefuses(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"COLPALI_DEVICE", "gpu", `COLPALI_DEVICE is "gpu"; it must be one of auto, cpu, cuda, tensorrt, webgpu`},
		{"COLPALI_DEVICE", "CPU", `COLPALI_DEVICE is "CPU"`},
		{"COLPALI_DEVICE_IDS", "0,0", `COLPALI_DEVICE_IDS is "0,0"; it must be up to 64 different whole numbers from 0 to 1023`},
		{"COLPALI_DEVICE_IDS", "0,", `COLPALI_DEVICE_IDS is "0,"`},
		{"COLPALI_DEVICE_IDS", "-1", `COLPALI_DEVICE_IDS is "-1"`},
		{"COLPALI_DEVICE_IDS", "1024", `COLPALI_DEVICE_IDS is "1024"`},
		{"COLPALI_DEVICE_MEMORY", "6GB", "MiB from 0 to 1048576"},
		{"COLPALI_THREADS", "-1", `COLPALI_THREADS is "-1"; it must be a whole number of threads from 0 to 1024`},
		{"COLPALI_PAGE_BATCH", "0", "a whole number of pages from 1 to 64"},
		{"COLPALI_PAGE_BATCH", "65", "a whole number of pages from 1 to 64"},
		{"COLPALI_PAGE_BATCH", "four", `COLPALI_PAGE_BATCH is "four"`},
		{"COLPALI_MAX_QUEUE", "0", "requests from 1 to 65536"},
		{"COLPALI_MAX_IMAGE_BYTES", "32MiB", "bytes from 1 to 1073741824"},
		{"COLPALI_MAX_IMAGE_BYTES", "1073741825", "bytes from 1 to 1073741824"},
		{"COLPALI_MAX_IMAGE_PIXELS", "99999999999999999999", "pixels from 1 to 1073741824"},
		{"COLPALI_MAX_QUERY_BYTES", "1.5", "bytes from 1 to 1048576"},
	} {
		t.Run(c.name+"="+c.value, func(t *testing.T) {
			_, err := RuntimeFromEnv(environment(map[string]string{c.name: c.value}))
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestRuntimeFromEnvReportsEverythingWrong(t *testing.T) {
	_, err := RuntimeFromEnv(environment(map[string]string{
		"COLPALI_DEVICE": "gpu", "COLPALI_THREADS": strings.Repeat("9", 5000),
	}))
	require.ErrorContains(t, err, "COLPALI_DEVICE")
	require.ErrorContains(t, err, "COLPALI_THREADS")
	require.Less(t, len(err.Error()), 500, "a long value must not fill the log")
}

// The tables are what the documentation is made from.
func TestSettingsAreDocumented(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range append(RuntimeSettings(), VectorizerSettings()...) {
		require.NotEmpty(t, s.Bound, s.Name)
		require.NotEmpty(t, s.Doc, s.Name)
		require.False(t, seen[s.Name], "%s is listed twice", s.Name)
		seen[s.Name] = true
	}
	for _, s := range RuntimeSettings() {
		require.True(t, strings.HasPrefix(s.Name, "COLPALI_"), s.Name)
	}
}

// Each default must be a value that a user could have written.
func TestDefaultsAreWithinTheirBounds(t *testing.T) {
	written := map[string]string{}
	for _, s := range RuntimeSettings() {
		written[s.Name] = s.Default
	}
	fromDefaults, err := RuntimeFromEnv(environment(written))
	require.NoError(t, err)
	unset, err := RuntimeFromEnv(environment(nil))
	require.NoError(t, err)
	require.Equal(t, unset, fromDefaults)
}

func FuzzRuntimeFromEnv(f *testing.F) {
	for _, seed := range []string{"", "1", "-1", "cpu", "4294967296", "0x10", "1e3", "\xff"} {
		f.Add(seed)
	}
	unset, err := RuntimeFromEnv(environment(nil))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, value string) {
		everywhere := func(string) (string, bool) { return value, true }
		got, err := RuntimeFromEnv(everywhere)
		if err == nil { // no word is a number, so only blank suits every variable
			require.Equal(t, unset, got)
		}
	})
}
