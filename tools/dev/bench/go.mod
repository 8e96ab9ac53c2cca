module weaviate-colpali/tools/dev/bench

go 1.26.0

require (
	github.com/stretchr/testify v1.11.1
	github.com/viterin/vek v0.4.3
	github.com/weaviate/weaviate v1.39.3
	golang.org/x/sys v0.47.0
	weaviate-colpali v0.0.0
)

require (
	github.com/chewxy/math32 v1.10.1 // indirect
	github.com/davecgh/go-spew v1.1.2-0.20180830191138-d8f796af33cc // indirect
	github.com/kr/text v0.2.0 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/pmezard/go-difflib v1.0.1-0.20181226105442-5d4384ee4fb2 // indirect
	github.com/tphakala/simd v1.6.0 // indirect
	github.com/viterin/partial v1.1.0 // indirect
	golang.org/x/exp v0.0.0-20230817173708-d852ddb80c63 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)

replace weaviate-colpali => ../../..
