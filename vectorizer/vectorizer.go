package vectorizer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"weaviate-colpali/vectorizer/processor"
)

// Options of [Open]. A field that is zero takes the default beside it.
type Options struct {
	// Library is the path of the ONNX Runtime library; see package ort for how it is searched
	// for where this is empty.
	Library string
	// Device is auto (default), cpu, cuda, tensorrt or webgpu.
	Device string
	// DeviceIDs are the GPUs to use, as CUDA counts them. Each has the whole model. Default 0 alone.
	DeviceIDs []int
	// DeviceMemory bounds what each of the model's graphs may take of a GPU's memory, in bytes. Default
	// unbounded.
	DeviceMemory int64
	// EngineCache is a folder where TensorRT keeps its engines. Default none.
	EngineCache string
	// Threads of one inference on the CPU; by default one for each physical core.
	Threads int
	// PageBatch is how many pages go through the model at once. Default 4.
	PageBatch int
	// BatchTokens bounds the tokens of those pages, the shorter ones padded to the longest; a page of more
	// goes alone. Default 32768.
	BatchTokens int
	// MaxQueue is how many calls of EmbedPages, and as many of EmbedQueries, may wait or run; one
	// more gets [ErrBusy]. Default 256.
	MaxQueue int
	// Limits of one page image. Default 32 MiB and 64 Mpx.
	Limits processor.Limits
	// ImageMemory bounds what the images that are being decoded take together, in bytes, over all calls.
	// A page that needs more than all of it is decoded alone. Default 2 GiB.
	ImageMemory int64
	// MaxQueryBytes bounds the text of one query. Default 16 KiB.
	MaxQueryBytes int
	// Observer is told what happens. Default nobody.
	Observer Observer
}

func (o Options) withDefaults() (Options, error) {
	if slices.Min([]int64{
		int64(o.Threads), o.DeviceMemory, int64(o.PageBatch), int64(o.BatchTokens), int64(o.MaxQueue), o.Limits.MaxBytes, o.Limits.MaxPixels,
		o.ImageMemory, int64(o.MaxQueryBytes),
	}) < 0 {
		return o, fmt.Errorf("%w: numbers must not be negative: %+v", ErrOptions, o)
	}
	if len(o.DeviceIDs) == 0 {
		o.DeviceIDs = []int{0}
	}
	if o.Observer == nil {
		o.Observer = unobserved{}
	}
	byDefault(&o.PageBatch, 4)
	byDefault(&o.BatchTokens, 32768)
	byDefault(&o.MaxQueue, 256)
	byDefault(&o.Limits.MaxBytes, 32<<20)
	byDefault(&o.Limits.MaxPixels, 64<<20)
	byDefault(&o.ImageMemory, 2<<30)
	byDefault(&o.MaxQueryBytes, 16<<10)
	return o, nil
}

func byDefault[T int | int64](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// Model says what runs. Vectors of models with different ManifestHash must not be compared.
type Model struct {
	Name   string
	Family string
	// Dim is the length of each vector.
	Dim int
	// VectorsPerPage is the number of vectors of every page, or 0 where it depends on the page's size:
	// [Vectorizer.Layout] says it for each.
	VectorsPerPage int
	// ManifestHash is the SHA-256 of colpali.json, which has the sums of all other files.
	ManifestHash string
	// Adopted is nil, or, where the folder has no colpali.json, what [Adopt] decided about it.
	Adopted []string
	// Precision is what its products are computed in: float32, float16 or bfloat16.
	Precision string
	// Source is what the exporter noted: checkpoint, prompt preset, versions.
	Source map[string]string
	// Provider is ONNX Runtime's name for what runs the graphs, such as "CPUExecutionProvider", and
	// Devices is on how many devices it does.
	Provider string
	Devices  int
	// PassedOver says why each device that auto preferred to Provider does not work.
	PassedOver []string
	// Library is where the ONNX Runtime library was found, RuntimeVersion its version.
	Library        string
	RuntimeVersion string
}

// Embedding is the outcome for one page or one query: its vectors, or why it has none.
type Embedding struct {
	// Vectors are views on one contiguous block, in the order of the tokens.
	Vectors [][]float32
	// Images are the vectors of a page that belong to its image, and not to the prompt around it.
	// It is nil where a page has one vector for all of it.
	Images []int
	// Tokens are those of a query, one for each vector; nil where it has one vector for all of it.
	Tokens []Token
	// Cut is how many tokens of a query's text were left out because the model takes no more.
	Cut int
	Err error
}

// OfImage returns the vectors of a page that belong to its image, without those of the prompt around it.
func (e Embedding) OfImage() [][]float32 {
	if e.Images == nil || e.Err != nil {
		return e.Vectors
	}
	return chosen(e.Vectors, e.Images)
}

// Vectorizer is a loaded model. It is safe for concurrent use.
type Vectorizer struct {
	options   Options
	manifest  *manifest
	model     Model
	tokenizer *processor.Tokenizer
	images    imageMode
	devices   []*device
	queue     *queue
	// decoding bounds how many images are in memory decoded, over all calls.
	decoding chan struct{}
	// imageMemory is what they may take together: Options.ImageMemory bytes.
	imageMemory *semaphore.Weighted
	// closing ends when Close begins.
	closing   context.Context
	close     context.CancelFunc
	closeOnce sync.Once
	closeErr  error
}

// maxTokenizerBytes: Gemma 3's, the largest known, has 33 MB.
const maxTokenizerBytes = 256 << 20

// OpenFolder is [Open] for a folder. Links out of it are not followed.
func OpenFolder(ctx context.Context, dir string, o Options) (*Vectorizer, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	// It fails only where it was closed before.
	defer func() { _ = root.Close() }()
	return Open(ctx, root.FS(), dir, o)
}

// Open loads the model in the files and runs it once on a blank page and a query, so that whatever
// is wrong shows now and the first request is not slow. dir is the folder that model stands for, or
// "" when it is embedded in the program; graphs that keep their weights in separate files need it.
//
// Errors are [ErrModel], [ErrOptions], [ErrOutput], those of package ort, or the context's.
func Open(ctx context.Context, model fs.FS, dir string, o Options) (*Vectorizer, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	v, err := read(ctx, model)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrModel, where(dir), err)
	}
	v.options = o
	v.decoding = make(chan struct{}, runtime.GOMAXPROCS(0))
	v.imageMemory = semaphore.NewWeighted(o.ImageMemory)
	if v.devices, err = loadDevices(model, dir, v.manifest, v.images, o); err != nil {
		return nil, err
	}
	v.queue = newQueue(o.MaxQueue, len(v.devices))
	v.describeRuntime()
	v.closing, v.close = context.WithCancel(context.Background())
	if err := v.warmUp(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s: first inference: %w", ErrModel, where(dir), err), v.Close())
	}
	for _, d := range v.devices {
		d.observer = o.Observer // from now on: first runs compile, and take as long as no other
	}
	return v, nil
}

// describe reads the manifest and compares all files with it, or makes one where there is none.
func describe(ctx context.Context, model fs.FS) (m *manifest, hash string, adopted []string, err error) {
	m, hash, err = readManifest(model)
	if errors.Is(err, fs.ErrNotExist) {
		adoption, err := adopt(ctx, model, AdoptChoice{})
		if err != nil {
			return nil, "", nil, fmt.Errorf("there is no %s, and the folder does not say enough to do without: %w. Export the checkpoint "+
				"with tools/dev/export; `make adopt` writes %[1]s for graphs of other exporters (docs/models.md)", manifestFile, err)
		}
		return adoption.manifest, manifestHash(adoption.Manifest), adoption.Decisions, nil
	}
	if err != nil {
		return nil, "", nil, err
	}
	if err := m.verifyFiles(ctx, model); err != nil {
		return nil, "", nil, err
	}
	return m, hash, nil, m.checkExternalData(ctx, model)
}

// read reads and checks everything that is not a graph.
func read(ctx context.Context, model fs.FS) (*Vectorizer, error) {
	m, hash, adopted, err := describe(ctx, model)
	if err != nil {
		return nil, err
	}
	tokenizerJSON, err := readBounded(model, m.Tokenizer.File, maxTokenizerBytes)
	if err != nil {
		return nil, err
	}
	tokenizer, err := processor.NewTokenizer(tokenizerJSON, m.Page.ImageTokenID)
	if err != nil {
		return nil, err
	}
	if err := m.checkVocabulary(tokenizer.VocabSize()); err != nil {
		return nil, err
	}
	normalizer, err := processor.NewNormalizer(m.Image.Rescale, [3]float32(m.Image.Mean), [3]float32(m.Image.Std))
	if err != nil {
		return nil, err
	}
	v := &Vectorizer{
		manifest:  m,
		tokenizer: tokenizer,
		images:    imageModes[m.Image.Mode](m, normalizer),
		model: Model{
			Name: m.Name, Family: m.Family, Dim: m.Dim, Precision: cmp.Or(m.Graph.Precision, float32Compute), ManifestHash: hash, Source: m.Source,
			Adopted: adopted,
		},
	}
	v.model.VectorsPerPage, err = v.vectorsOfEveryPage()
	return v, err
}

// vectorsOfEveryPage is 0 where pages of two shapes have not the same number.
func (v *Vectorizer) vectorsOfEveryPage() (int, error) {
	tall, err := v.layOut(1000, 2000)
	if err != nil {
		return 0, err
	}
	wide, err := v.layOut(3000, 1000)
	if err != nil || tall.layout.Vectors != wide.layout.Vectors {
		return 0, err
	}
	return tall.layout.Vectors, nil
}

func where(dir string) string {
	if dir == "" {
		return "embedded model"
	}
	return dir
}

func (v *Vectorizer) describeRuntime() {
	rt := v.devices[0].runtime
	v.model.Provider, v.model.PassedOver = rt.Provider(), rt.PassedOver()
	v.model.Devices = len(v.devices)
	v.model.Library, v.model.RuntimeVersion = rt.Library(), rt.Version()
}

// warmUp runs a page and a query on every device: each compiles and allocates for itself.
func (v *Vectorizer) warmUp(ctx context.Context) error {
	page, err := v.prepareImage(processor.NewRGB(448, 448))
	if err != nil {
		return err
	}
	ids, _ := v.wrapQuery("a")
	for _, d := range v.devices {
		pages, err := d.pages(ctx, []preparedPage{page})
		if err != nil {
			return err
		}
		queries, err := d.queries(ctx, []sequence{v.querySequence(ids)})
		if err != nil {
			return err
		}
		for _, block := range [][]float32{pages, queries} {
			if _, err := rows(block, v.model.Dim); err != nil {
				return err
			}
		}
	}
	return nil
}

// Queued is how many calls of a kind run or wait for a device, without those that were cancelled.
func (v *Vectorizer) Queued(k Kind) int { return v.queue.length(k) }

// Model says what runs.
func (v *Vectorizer) Model() Model { return v.model }

// Close stops what is running, refuses what waits with [ErrClosed], and frees the model. It returns
// when every call has ended, and may be called again.
func (v *Vectorizer) Close() error {
	v.closeOnce.Do(func() {
		v.close()
		v.queue.close()
		v.closeErr = closeDevices(v.devices)
	})
	return v.closeErr
}

// enter admits a call to the queue, until its context ends, which it does with ErrClosed when the vectorizer
// closes. leave must be called when the call is over.
func (v *Vectorizer) enter(ctx context.Context, k Kind) (_ context.Context, leave func(), err error) {
	place, err := v.queue.admit(k)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(v.closing, func() { cancel(ErrClosed) })
	context.AfterFunc(ctx, place.giveBack)
	return ctx, func() {
		stop()
		cancel(nil)
		place.leave()
	}, nil
}

// turn waits for a device, and tells for how long.
func (v *Vectorizer) turn(ctx context.Context, k Kind) (device int, release func(), err error) {
	began := time.Now()
	device, release, err = v.queue.turn(ctx, k)
	if err == nil {
		v.options.Observer.Waited(k, time.Since(began))
	}
	return device, release, err
}
