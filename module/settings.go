package module

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/weaviate/weaviate/entities/models"
	"github.com/weaviate/weaviate/entities/moduletools"
	"github.com/weaviate/weaviate/entities/schema"

	"weaviate-colpali/config"
	"weaviate-colpali/config/plaid"
)

// ClassConfigDefaults writes the defaults into each new schema, so that a schema
// read back says which index it asked for, which vectors it keeps, and which model
// they are of.
func (m *Module) ClassConfigDefaults() map[string]any {
	defaults := config.VectorizerDefaults()
	if loaded, err := m.running(); err == nil {
		running := loaded.Model()
		maps.Copy(defaults, config.OfModel(running.ManifestHash, running.Name))
	}
	return defaults
}

// PropertyConfigDefaults is empty: properties have no settings of this module.
func (m *Module) PropertyConfigDefaults(*schema.DataType) map[string]any {
	return map[string]any{}
}

// VectorizableProperties names the image property. Weaviate compares it with the
// stored object and keeps the old vector of an unchanged image.
func (m *Module) VectorizableProperties(cfg moduletools.ClassConfig) (allText bool, media []string, err error) {
	settings, err := settingsOf(cfg)
	if err != nil {
		return false, nil, err
	}
	return false, []string{settings.ImageField}, nil
}

// ValidateClass checks a collection that is created or restored. It must be
// strict here, since nothing later can tell a user about a mistake, and nowhere
// else: a stored collection has to load.
func (m *Module) ValidateClass(_ context.Context, class *models.Class, cfg moduletools.ClassConfig) error {
	if cfg.TargetVector() == "" {
		return fmt.Errorf("%s makes multi-vectors, which live in named vectors only: "+
			`move it to "vectorConfig": {"<name>": {"vectorizer": {"%s": {...}}}}`, Name, Name)
	}
	raw := rawSettings(cfg)
	if err := config.ValidateVectorizer(raw); err != nil {
		return vectorError(cfg, err)
	}
	settings, err := config.ParseVectorizer(raw)
	if err != nil {
		return vectorError(cfg, err)
	}
	// A schema from another server or backup brings its manifest along.
	if err := m.checkModel("", cfg); err != nil {
		return vectorError(cfg, err)
	}
	if err := checkImageProperty(class, settings.ImageField); err != nil {
		return vectorError(cfg, err)
	}
	return vectorError(cfg, checkIndex(class.VectorConfig[cfg.TargetVector()], settings.Index))
}

// vectorError says which named vector an error is about.
func vectorError(cfg moduletools.ClassConfig, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("vector %q: %w", cfg.TargetVector(), err)
}

// checkImageProperty wants the property to hold images and to be looked at.
func checkImageProperty(class *models.Class, name string) error {
	at := slices.IndexFunc(class.Properties, func(p *models.Property) bool { return p.Name == name })
	if at < 0 {
		return fmt.Errorf("imageFields names %q, which is no property of collection %s; its blob properties are [%s]",
			name, class.Class, strings.Join(blobProperties(class), ", "))
	}
	property := class.Properties[at]
	if !slices.Equal(property.DataType, schema.DataTypeBlob.PropString()) {
		return fmt.Errorf("imageFields names %q, whose dataType is %v; it must be [blob], which keeps the image",
			name, property.DataType)
	}
	if skipped(property) {
		return fmt.Errorf("imageFields names %q, whose moduleConfig says skip; "+
			"a changed image would keep its old vector: leave skip out", name)
	}
	return nil
}

func blobProperties(class *models.Class) []string {
	var names []string
	for _, p := range class.Properties {
		if slices.Equal(p.DataType, schema.DataTypeBlob.PropString()) {
			names = append(names, p.Name)
		}
	}
	return names
}

// skipped reports whether the property's settings for this module, under any of
// its names, ask Weaviate not to look at it. Clients also send skip=false and
// other settings of text modules for every property; those do no harm.
func skipped(property *models.Property) bool {
	byModule, _ := property.ModuleConfig.(map[string]any)
	for _, name := range names() {
		settings, _ := byModule[name].(map[string]any)
		if skip, _ := settings["skip"].(bool); skip {
			return true
		}
	}
	return false
}

// checkIndex wants the vectorizer's settings and the vector index's to say the
// same. A client that does not know the plaid block drops it when it copies a
// schema (the Python client's export_config does); without this check the copy
// would silently become a plain hnsw with a graph node per token vector.
func checkIndex(vector models.VectorConfig, index string) error {
	enabled := plaid.Requested(vector.VectorIndexConfig)
	switch {
	case index == config.IndexPlaid && !enabled:
		return errors.New(`the plaid index is not enabled: add "vectorIndexConfig": {"multivector": {"enabled": true, ` +
			`"plaid": {"enabled": true}}}, or say "index": "hnsw" in the vectorizer's settings for Weaviate's own index`)
	case index == config.IndexHNSW && enabled:
		return errors.New(`the vectorizer's settings say "index": "hnsw", but vectorIndexConfig.multivector.plaid is enabled; ` +
			"leave one of them out")
	default:
		return nil
	}
}

// settingsOf reads the settings of the collection and vector that cfg stands for.
func settingsOf(cfg moduletools.ClassConfig) (config.Vectorizer, error) {
	settings, err := config.ParseVectorizer(rawSettings(cfg))
	if err != nil {
		return config.Vectorizer{}, fmt.Errorf("settings of %s: %w", Name, err)
	}
	return settings, nil
}

// rawSettings finds the settings under the name that the schema uses. Weaviate
// resolves an alternative name to the module, but not to its settings.
func rawSettings(cfg moduletools.ClassConfig) map[string]any {
	for _, name := range names() {
		if settings := cfg.ClassByModuleName(name); len(settings) > 0 {
			return settings
		}
	}
	return nil
}

func names() []string { return append([]string{Name}, altNames...) }
