package operator

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/config"
	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/metrics"
)

// No setting is read and then forgotten: one that is set changes something, and every option is set by one.
func TestEverySettingIsAnOption(t *testing.T) {
	set := config.Runtime{}
	settings := reflect.ValueOf(&set).Elem()
	for i := range settings.NumField() {
		name := settings.Type().Field(i).Name
		if name == "ModelDir" { // which Open reads
			continue
		}
		before := Options(set, nil)
		switch field := settings.Field(i); field.Kind() {
		case reflect.String:
			field.SetString("x")
		case reflect.Slice:
			field.Set(reflect.ValueOf([]int{1}))
		default:
			field.SetInt(1)
		}
		require.NotEqual(t, before, Options(set, nil), name)
	}
	options := reflect.ValueOf(Options(set, metrics.New()))
	for i := range options.NumField() {
		require.False(t, options.Field(i).IsZero(), options.Type().Field(i).Name)
	}
	require.Equal(t, int64(1<<20), Options(set, nil).ImageMemory, "the setting is in MiB")
	require.Equal(t, int64(1<<20), Options(set, nil).DeviceMemory, "the setting is in MiB")
}

func TestOpenNamesTheVariable(t *testing.T) {
	_, _, err := Open(t.Context(), config.Runtime{ModelDir: "absent"}, nil)
	require.ErrorContains(t, err, "COLPALI_MODEL_DIR")
	_, _, err = Open(t.Context(), config.Runtime{ModelDir: "operator.go"}, nil)
	require.ErrorContains(t, err, "is not a folder")
	require.NotErrorIs(t, err, vectorizer.ErrModel)
}
