package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Runtime is what the operator of a server decides: which model runs, on what,
// and how much of the machine a request may use. It comes from the environment
// and never from a schema, so that no user of the database can make the server
// open a path or call an address.
type Runtime struct {
	// ModelDir is the folder of the model, or "" for the embedded demo model.
	ModelDir string
	// Library is the path of the ONNX Runtime library, or "" to search for it.
	Library string
	// Device is what the model should run on, one of [Devices].
	Device string
	// DeviceIDs are the GPUs to use, as CUDA counts them.
	DeviceIDs []int
	// DeviceMemory bounds what one graph may take of a GPU's memory, in MiB; 0 means no bound.
	DeviceMemory int
	// EngineCache is the folder where TensorRT keeps its engines, or "" for none.
	EngineCache string
	// Threads is how many threads one inference may use; 0 lets ONNX Runtime
	// choose.
	Threads int
	// PageBatch is how many pages go through the model at once.
	PageBatch int
	// BatchTokens bounds the tokens of those pages, the shorter ones padded to the longest.
	BatchTokens int
	// MaxQueue is how many imports, and as many queries, may be under way.
	MaxQueue int
	// MaxImageBytes bounds one page image as it is sent, after base64.
	MaxImageBytes int64
	// MaxImagePixels bounds one page image once decoded, width times height.
	MaxImagePixels int64
	// MaxImageMemory bounds, in MiB, what pages take together while they are decoded.
	MaxImageMemory int
	// MaxQueryBytes bounds the UTF-8 text of one query.
	MaxQueryBytes int
}

// Devices are the words COLPALI_DEVICE understands.
func Devices() []string { return []string{"auto", "cpu", "cuda", "tensorrt", "webgpu"} }

// RuntimeSettings is every environment variable of the product.
func RuntimeSettings() []Setting {
	out := make([]Setting, len(variables))
	for i, v := range variables {
		out[i] = v.Setting
	}
	return out
}

// RuntimeFromEnv reads every variable through lookup, which is [os.LookupEnv]
// in a server and a map in a test. A variable that is set to the empty string
// counts as unset, because that is what container files pass on for a variable
// nobody filled in. All that is wrong is reported at once, each with variable,
// value and bound.
func RuntimeFromEnv(lookup func(name string) (value string, ok bool)) (Runtime, error) {
	var runtime Runtime
	var wrong []error
	for _, v := range variables {
		value, _ := lookup(v.Name)
		value = strings.TrimSpace(value)
		if value == "" {
			value = v.Default
		}
		if !v.read(&runtime, value) {
			wrong = append(wrong, v.refuse(value))
		}
	}
	return runtime, errors.Join(wrong...)
}

// variable is a setting and the way its text gets into a Runtime; read reports
// whether the value was within its bound.
type variable struct {
	Setting
	read func(r *Runtime, value string) bool
}

// variables is the only list of environment variables and the only place of
// their defaults and bounds.
var variables = []variable{
	path("COLPALI_MODEL_DIR", "a folder with colpali.json",
		"Folder of the model that the server runs. Unset: the small demo model inside the "+
			"binary, which reads printed English and nothing else.",
		func(r *Runtime) *string { return &r.ModelDir }),
	path("COLPALI_ONNXRUNTIME", "the path of a shared library",
		"ONNX Runtime library to load. Unset: ORT_DYLIB_PATH, then the folder of the "+
			"server binary and lib beside it, then the system's own search. CUDA's libraries are looked for in "+
			"the same folder.",
		func(r *Runtime) *string { return &r.Library }),
	word("COLPALI_DEVICE", "auto", Devices(),
		"Where the model runs. auto takes the first of cuda, webgpu and cpu that works; "+
			"a device that is named and does not work stops the server. tensorrt is taken only when it is "+
			"named: it compiles the model at its first start, which takes minutes.",
		func(r *Runtime) *string { return &r.Device }),
	numbers("COLPALI_DEVICE_IDS", "0", maxDevices, 1023,
		"The GPUs to use, as CUDA counts them, such as 0,1. Each holds the whole model and works on a batch "+
			"of its own; the next batch goes to one that is free.",
		func(r *Runtime) *[]int { return &r.DeviceIDs }),
	number("COLPALI_DEVICE_MEMORY", 0, 0, 1<<20, "MiB",
		"GPU memory that each of the model's two graphs may take on CUDA, weights included. 0: no bound.",
		func(r *Runtime) *int { return &r.DeviceMemory }),
	path("COLPALI_TENSORRT_CACHE", "a folder",
		"Where tensorrt keeps what it compiled, for this model, this GPU and this version. Unset: it "+
			"compiles at every start.",
		func(r *Runtime) *string { return &r.EngineCache }),
	number("COLPALI_THREADS", 0, 0, 1024, "threads",
		"Threads of one inference on the CPU. 0 lets ONNX Runtime use every physical core.",
		func(r *Runtime) *int { return &r.Threads }),
	number("COLPALI_PAGE_BATCH", 4, 1, 64, "pages",
		"Pages that go through the model at once during import. More pages use a GPU "+
			"better and need more of its memory.",
		func(r *Runtime) *int { return &r.PageBatch }),
	number("COLPALI_BATCH_TOKENS", 32768, 1, 1<<20, "tokens",
		"Tokens that go through the model at once during import, where the shorter pages of a batch count as much as "+
			"the longest: pages of some models have few tokens or thousands. A page of more goes alone.",
		func(r *Runtime) *int { return &r.BatchTokens }),
	number("COLPALI_MAX_QUEUE", 256, 1, 65536, "requests",
		"Import requests, and as many queries, that may run or wait for the device. One "+
			"more is refused at once, so that a client hears about an overloaded server "+
			"instead of timing out.",
		func(r *Runtime) *int { return &r.MaxQueue }),
	number("COLPALI_MAX_IMAGE_BYTES", 32<<20, 1, 1<<30, "bytes",
		"Largest page image accepted, as the decoded blob.",
		func(r *Runtime) *int64 { return &r.MaxImageBytes }),
	number("COLPALI_MAX_IMAGE_PIXELS", 64<<20, 1, 1<<30, "pixels",
		"Largest page image accepted, width times height. It is checked before the image "+
			"is decoded: a kilobyte of PNG can claim gigabytes of pixels.",
		func(r *Runtime) *int64 { return &r.MaxImagePixels }),
	number("COLPALI_MAX_IMAGE_MEMORY", 2048, 1, 1<<20, "MiB",
		"Memory that page images may take together while they are decoded, at 28 bytes a pixel. Pages "+
			"beyond wait; one that needs more than all of it is decoded alone.",
		func(r *Runtime) *int { return &r.MaxImageMemory }),
	number("COLPALI_MAX_QUERY_BYTES", 16<<10, 1, 1<<20, "bytes",
		"Longest query text accepted. The model itself reads far less: what exceeds its "+
			"token limit is cut, and the log says so.",
		func(r *Runtime) *int { return &r.MaxQueryBytes }),
}

// maxDevices is more GPUs than a machine has.
const maxDevices = 64

// numbers is a list of different whole numbers from 0 to high, with commas between them.
func numbers(name, byDefault string, most, high int, doc string, field func(*Runtime) *[]int) variable {
	return variable{
		Setting{
			Name:    name,
			Default: byDefault,
			Bound:   fmt.Sprintf("up to %d different whole numbers from 0 to %d with commas between them", most, high),
			Doc:     doc,
		},
		func(r *Runtime, value string) bool {
			var list []int
			for word := range strings.SplitSeq(value, ",") {
				n, err := strconv.Atoi(strings.TrimSpace(word))
				if err != nil || n < 0 || n > high || len(list) == most || slices.Contains(list, n) {
					return false
				}
				list = append(list, n)
			}
			*field(r) = list
			return true
		},
	}
}

// path is a variable that names a file or folder. Whether it exists is found
// out by whoever opens it, who can also say what was missing in it.
func path(name, bound, doc string, field func(*Runtime) *string) variable {
	return variable{
		Setting{Name: name, Bound: bound, Doc: doc},
		func(r *Runtime, value string) bool {
			*field(r) = value
			return true
		},
	}
}

func word(name, byDefault string, words []string, doc string, field func(*Runtime) *string) variable {
	return variable{
		Setting{Name: name, Default: byDefault, Bound: oneOf(words), Doc: doc},
		func(r *Runtime, value string) bool {
			*field(r) = value
			return slices.Contains(words, value)
		},
	}
}

func number[T int | int64](name string, byDefault, low, high T, unit, doc string, field func(*Runtime) *T) variable {
	return variable{
		Setting{
			Name:    name,
			Default: fmt.Sprint(byDefault),
			Bound:   fmt.Sprintf("a whole number of %s from %d to %d", unit, low, high),
			Doc:     doc,
		},
		func(r *Runtime, value string) bool {
			// A bit size of 32 keeps T(n) exact on every platform; the largest
			// bound of the table is 2^30.
			n, err := strconv.ParseInt(value, 10, 32)
			*field(r) = T(n)
			return err == nil && T(n) >= low && T(n) <= high
		},
	}
}
