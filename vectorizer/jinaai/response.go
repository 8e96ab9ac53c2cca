package jinaai

import "weaviate-colpali/vectorizer"

// response is the answer to POST /v1/embeddings, as Jina AI gives it for multi-vectors. float32 is written with the
// digits that make it the same float32 again.
type response struct {
	Object string      `json:"object"`
	Model  string      `json:"model"`
	Data   []embedding `json:"data"`
	Usage  usage       `json:"usage"`
}

type embedding struct {
	Object     string      `json:"object"`
	Index      int         `json:"index"`
	Embeddings [][]float32 `json:"embeddings"`
}

// usage counts the tokens that became vectors.
type usage struct {
	Total  int `json:"total_tokens"`
	Prompt int `json:"prompt_tokens"`
}

func newResponse(model string, embeddings []vectorizer.Embedding) response {
	r := response{Object: "list", Model: model, Data: make([]embedding, len(embeddings))}
	for i, e := range embeddings {
		r.Data[i] = embedding{Object: "embedding", Index: i, Embeddings: e.Vectors}
		r.Usage.Total += len(e.Vectors)
	}
	r.Usage.Prompt = r.Usage.Total
	return r
}
