// A stand-in for ONNX Runtime 1.10: it answers as a release does that does not know the API version
// it is asked for (onnxruntime_c_api.h: GetApi returns NULL then).

#include <stddef.h>
#include <stdint.h>

typedef struct {
	const void *(*GetApi)(uint32_t version);
	const char *(*GetVersionString)(void);
} OrtApiBase;

static const void *get_api(uint32_t version) { (void)version; return NULL; }
static const char *get_version_string(void) { return "1.10.0"; }

const OrtApiBase *OrtGetApiBase(void) {
	static const OrtApiBase base = {get_api, get_version_string};
	return &base;
}
