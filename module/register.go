package module

import "github.com/weaviate/weaviate/entities/modulecapabilities"

// Register adds the module to a Weaviate server. The patched server calls it
// where it registers its own modules. ENABLE_MODULES has no say in it: whoever
// runs this binary wants this module.
func Register(register func(modulecapabilities.Module)) {
	register(New())
}
