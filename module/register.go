package module

import "github.com/weaviate/weaviate/entities/modulecapabilities"

// Register adds the module to a Weaviate server. The patched server calls it
// where it registers its own modules. ENABLE_MODULES has no say in it: whoever
// runs this binary wants this module. What index returns is told under "index" in
// the module's meta information: there is no other place that clients look at.
func Register(register func(modulecapabilities.Module), index func() map[string]any) {
	m := New()
	m.index = index
	register(m)
}
