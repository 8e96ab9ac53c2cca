package module

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/sirupsen/logrus"
	"github.com/weaviate/weaviate/entities/modulecapabilities"
	"github.com/weaviate/weaviate/entities/moduletools"
	"github.com/weaviate/weaviate/usecases/modulecomponents/arguments/nearImage"
	"github.com/weaviate/weaviate/usecases/modulecomponents/arguments/nearText"

	"weaviate-colpali/config"
	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/metrics"
	"weaviate-colpali/vectorizer/processor"
)

// Name is the module's name in schemas and in ENABLE_MODULES, formed like its
// siblings': what goes in, what comes out, who does it.
const Name = "multi2multivec-colpali"

// altNames are the other names a schema may use.
var altNames = []string{"colpali"}

// Embedder turns page images and queries into multi-vectors. It is what the
// module needs of [vectorizer.Vectorizer], and is safe for concurrent use.
type Embedder interface {
	// EmbedPages returns one embedding per page, in order. A page that cannot
	// be embedded carries its own error; the returned error concerns all.
	EmbedPages(ctx context.Context, pages [][]byte) ([]vectorizer.Embedding, error)
	// EmbedQueries does the same for query texts.
	EmbedQueries(ctx context.Context, queries []string) ([]vectorizer.Embedding, error)
	// Layout says where on a page its vectors lie.
	Layout(page []byte) (vectorizer.Layout, error)
	// DecodePage returns the image as it is, within the limits for images.
	DecodePage(page []byte) (*processor.RGB, error)
	// Queued is how many calls of a kind run or wait.
	Queued(of vectorizer.Kind) int
	// Model describes what is running.
	Model() vectorizer.Model
	// Close waits for running inferences and frees the model.
	Close() error
}

// Module is the vectorizer module. Weaviate calls Init once, then everything
// else from many goroutines at once, then Close.
type Module struct {
	open     func(context.Context, config.Runtime, vectorizer.Observer) (model, error)
	metrics  *metrics.Metrics
	settings config.Runtime
	log      logrus.FieldLogger

	mu     sync.RWMutex // guards loaded against Close; not held while the model runs
	loaded model

	unmarked sync.Map // collections that do not say which model they belong to, and were logged

	index func() map[string]any // what the index says of itself, nil: there is none

	textArguments  modulecapabilities.GraphQLArguments
	imageArguments modulecapabilities.GraphQLArguments
}

// New returns the module as Weaviate registers it, not yet initialised.
func New() *Module {
	return &Module{
		open:           openModel,
		metrics:        metrics.New(),
		textArguments:  nearText.New(nil),
		imageArguments: nearImage.New(),
	}
}

// Name is the name by which Weaviate registers the module.
func (m *Module) Name() string { return Name }

// AltNames are the other names under which a schema may use the module.
func (m *Module) AltNames() []string { return altNames }

// Type tells Weaviate that the module makes one multi-vector of one object.
func (m *Module) Type() modulecapabilities.ModuleType { return modulecapabilities.Multi2Multivec }

// Init reads the environment, loads the model and runs it once, so that a server
// that says it is ready is ready. Its error stops the server: a vectorizer that
// the operator configured and that cannot run would fail every import later.
func (m *Module) Init(ctx context.Context, params moduletools.ModuleInitParams) error {
	settings, err := config.RuntimeFromEnv(os.LookupEnv)
	if err != nil {
		return err
	}
	// Weaviate gives all modules together 120 seconds, which is meant for remote
	// services that may never answer. A model of several gigabytes may need more
	// on a slow disk, and nothing here waits for anybody else.
	opened, err := m.open(context.WithoutCancel(ctx), settings, m.metrics)
	if err != nil {
		return fmt.Errorf("open ColPali model: %w", err)
	}
	m.settings, m.log = settings, params.GetLogger()
	m.metrics.Runs(opened)
	if err := m.metrics.Register(params.GetMetricsRegisterer()); err != nil { // no reason to be without the model, too
		m.log.WithField("action", "startup").WithField("module", Name).WithError(err).Error("the vectorizer has no metrics")
	}
	m.mu.Lock()
	m.loaded = opened
	m.mu.Unlock()
	announce(m.log, opened)
	return nil
}

// announce writes the one line that tells an operator what is running.
func announce(log logrus.FieldLogger, loaded model) {
	running := loaded.Model()
	message := fmt.Sprintf("model %s (%s, %d dimensions, %d vectors a page) runs on %s, ONNX Runtime %s from %s",
		running.Name, running.Family, running.Dim, running.VectorsPerPage,
		running.Provider, running.RuntimeVersion, running.Library)
	if running.Devices > 1 {
		message += fmt.Sprintf(", on %d devices", running.Devices)
	}
	if loaded.demo {
		message += "; this is the embedded demo model: set COLPALI_MODEL_DIR for a real one"
	}
	log = log.WithField("action", "startup").WithField("module", Name)
	if running.Adopted != nil {
		log.WithField("preset", running.Source["preset"]).WithField("decisions", strings.Join(running.Adopted, "; ")).
			Warn("the model folder has no colpali.json: it was made from what lies there; `make adopt` writes it down")
	}
	if len(running.PassedOver) > 0 {
		log = log.WithField("devices_that_did_not_work", running.PassedOver)
	}
	log.Info(message)
}

// InitExtension takes over the text transformer of a spell-check module, if
// there is one. This module refuses transformed queries, but when a collection
// has several vectorizers, Weaviate lets any of their modules parse nearText for
// the others.
func (m *Module) InitExtension(others []modulecapabilities.Module) error {
	for _, other := range others {
		if provider, ok := other.(modulecapabilities.TextTransformers); ok {
			if transformer, ok := provider.TextTransformers()[nearText.Name]; ok {
				m.textArguments = nearText.New(transformer)
			}
		}
	}
	return nil
}

// Close frees the model. Calls that come later get an error; Close may be called
// again.
func (m *Module) Close() error {
	m.mu.Lock()
	loaded := m.loaded
	m.loaded = model{}
	m.mu.Unlock()
	if loaded.Embedder == nil {
		return nil
	}
	return loaded.Close()
}

// running returns the model, which Close does not wait for: the Embedder itself
// lets its running calls finish.
func (m *Module) running() (model, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.loaded.Embedder == nil {
		return model{}, errNotRunning
	}
	return m.loaded, nil
}

// Arguments adds nearText and nearImage to GraphQL.
func (m *Module) Arguments() map[string]modulecapabilities.GraphQLArgument {
	return map[string]modulecapabilities.GraphQLArgument{
		nearText.Name:  m.textArguments.Arguments()[nearText.Name],
		nearImage.Name: m.imageArguments.Arguments()[nearImage.Name],
	}
}

// VectorSearches turns the parameters of nearText and nearImage into the
// multi-vector to search with, for GraphQL, gRPC and REST alike.
func (m *Module) VectorSearches() map[string]modulecapabilities.VectorForParams[[][]float32] {
	return map[string]modulecapabilities.VectorForParams[[][]float32]{
		nearText.Name:  m.vectorForText,
		nearImage.Name: m.vectorForImage,
	}
}

var (
	_ modulecapabilities.ModuleWithClose              = (*Module)(nil)
	_ modulecapabilities.ModuleExtension              = (*Module)(nil)
	_ modulecapabilities.ModuleHasAltNames            = (*Module)(nil)
	_ modulecapabilities.Vectorizer[[][]float32]      = (*Module)(nil)
	_ modulecapabilities.InputVectorizer[[][]float32] = (*Module)(nil)
	_ modulecapabilities.Searcher[[][]float32]        = (*Module)(nil)
	_ modulecapabilities.GraphQLArguments             = (*Module)(nil)
	_ modulecapabilities.ClassConfigurator            = (*Module)(nil)
	_ modulecapabilities.MetaProvider                 = (*Module)(nil)
	_ modulecapabilities.AdditionalProperties         = (*Module)(nil)
)
