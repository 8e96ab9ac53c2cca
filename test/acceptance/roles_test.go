package acceptance

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/entities/models"

	"weaviate-colpali/test/acceptance/server"
)

// as is the same server seen by whoever has this key.
func as(t *testing.T, s *server.Server, key string) *node {
	t.Helper()
	n, err := newNode(s, map[string]string{"Authorization": "Bearer " + key})
	require.NoError(t, err)
	return n
}

const rolesClass = "Roles"

// TestRoles: whoever may not read a tenant learns nothing of its pages, by no search and by no explanation of one.
func TestRoles(t *testing.T) {
	const class, secret = rolesClass, "south"
	s := server.Start(t, server.Options{Env: map[string]string{
		"AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "false",
		"AUTHENTICATION_APIKEY_ENABLED":           "true",
		"AUTHENTICATION_APIKEY_ALLOWED_KEYS":      "root-key,north-key,clerk-key",
		"AUTHENTICATION_APIKEY_USERS":             "root,north-reader,clerk",
		"AUTHORIZATION_RBAC_ENABLED":              "true",
		"AUTHORIZATION_RBAC_ROOT_USERS":           "root",
	}})
	root, reader, clerk := as(t, s, "root-key"), as(t, s, "north-key"), as(t, s, "clerk-key")

	collection := pageCollection(class)
	collection.MultiTenancyConfig = &models.MultiTenancyConfig{Enabled: true}
	root.create(t, collection)
	require.NoError(t, root.rest.Schema().TenantsCreator().WithClassName(class).
		WithTenants(models.Tenant{Name: "north"}, models.Tenant{Name: secret}).Do(t.Context()))
	objects := pageObjects(t, class)[:4]
	for i, object := range objects {
		object.Tenant = []string{"north", secret}[i%2]
	}
	root.imports(t, objects)

	// GraphQL asks of every role that it may read the schema of all collections.
	schema := object{"action": "read_collections", "collections": object{"collection": "*"}}
	read := func(collection, tenant string) object {
		return object{"action": "read_data", "data": object{"collection": collection, "tenant": tenant}}
	}
	root.grant(t, "north-reader", schema, read(class, "north"))
	root.grant(t, "clerk", schema, read("Another", "*"))

	t.Run("the reader of a tenant reads it", func(t *testing.T) {
		for _, n := range []*node{root, reader} {
			hits := n.search(t, class, query{nearText: n.text(samples[0].question), tenant: "north", limit: 4})
			require.ElementsMatch(t, []string{samples[0].title, samples[2].title}, titles(hits))
			near := fmt.Sprintf(`tenant: "north", nearText: {concepts: [%q]}`, samples[0].question)
			why := n.explainOne(t, class, near, "format: PNG")
			require.InDelta(t, -hits[0].Distance, why.Score, 1e-4)
			require.NotNil(t, why.Image)
			require.Equal(t, 2, why.Searched.Candidates, "the other tenant's pages are no candidates")
		}
	})
	t.Run("the reader of one tenant sees nothing of the other", func(t *testing.T) {
		reader.seesNothing(t, secret, 1)
	})
	t.Run("who may read another collection only sees nothing", func(t *testing.T) {
		clerk.seesNothing(t, secret, 1)
		clerk.seesNothing(t, "north", 0)
	})
	t.Run("a page of the other tenant is no example to search by", func(t *testing.T) {
		near := query{nearObject: reader.object(uuid(1).String()), tenant: "north", limit: 4}
		for name, search := range map[string]func(*testing.T, string, query) ([]hit, error){
			"GraphQL": reader.searchGraphQL, "gRPC": reader.searchGRPC,
		} {
			hits, err := search(t, class, near)
			require.Error(t, err, "%s answered %v", name, hits)
		}
		// To whom may read both the tenants are as far apart.
		_, err := root.searchGraphQL(t, class, near)
		require.Error(t, err)
	})
	t.Run("who has no key is told nothing", func(t *testing.T) {
		for _, key := range []string{"", "another-key"} {
			stranger := as(t, s, key)
			status, text := stranger.call(t, http.MethodPost, "/graphql", object{
				"query": `{ Get { Roles(tenant: "north", limit: 4) { title _additional { colpali(query: "oil") { score } } } } }`,
			})
			require.Equal(t, http.StatusUnauthorized, status, text)
			require.NotContains(t, text, samples[0].title)
		}
	})
	t.Run("with the right taken away the reader sees nothing", func(t *testing.T) {
		roles := object{"roles": []string{"role-of-north-reader"}}
		status, text := root.call(t, http.MethodPost, "/authz/users/north-reader/revoke", roles)
		require.Equal(t, http.StatusOK, status, text)
		reader.seesNothing(t, "north", 0)
	})
}

// grant gives a user a role of its own with these permissions. The client's permissions know no tenants.
func (n *node) grant(t *testing.T, user string, permissions ...object) {
	t.Helper()
	role := "role-of-" + user
	status, text := n.call(t, http.MethodPost, "/authz/roles", object{"name": role, "permissions": permissions})
	require.Equal(t, http.StatusCreated, status, text)
	status, text = n.call(t, http.MethodPost, "/authz/users/"+user+"/assign", object{"roles": []string{role}})
	require.Equal(t, http.StatusOK, status, text)
}

// seesNothing asks for a tenant's page in every way, that of a sample, and requires to be refused without a word of it.
func (n *node) seesNothing(t *testing.T, tenant string, number int) {
	t.Helper()
	s := samples[number]
	for _, search := range []string{
		fmt.Sprintf(`nearText: {concepts: [%q]}`, s.question),
		fmt.Sprintf(`nearImage: {image: %q}`, samplePage(t, number)),
		fmt.Sprintf(`nearObject: {id: %q}`, uuid(number)),
		fmt.Sprintf(`hybrid: {query: %q}`, s.question),
		fmt.Sprintf(`bm25: {query: %q}`, s.title),
		fmt.Sprintf(`where: {path: ["number"], operator: Equal, valueInt: %d}`, number),
		`limit: 4`,
	} {
		for _, fields := range []string{
			`title _additional { id distance }`,
			fmt.Sprintf(`_additional { colpali(query: %q, format: PNG) %s }`, s.question, wholeExplanation),
		} {
			_, text := n.call(t, http.MethodPost, "/graphql", object{
				"query": fmt.Sprintf(`{ Get { %s(tenant: %q, %s) { %s } } }`, rolesClass, tenant, search, fields),
			})
			require.Contains(t, text, "forbidden", "%s { %s }", search, fields)
			for _, told := range []string{s.title, uuid(number).String(), `"distance"`, `"score"`, `"values"`, `"image"`} {
				require.NotContains(t, text, told, "%s { %s }", search, fields)
			}
		}
	}
	_, err := n.searchGRPC(t, rolesClass, query{nearText: n.text(s.question), tenant: tenant, limit: 4})
	require.ErrorContains(t, err, "forbidden")
	path := fmt.Sprintf("/objects/%s/%s?tenant=%s&include=vector", rolesClass, uuid(number), tenant)
	status, text := n.call(t, http.MethodGet, path, nil)
	require.Contains(t, []int{http.StatusForbidden, http.StatusBadRequest}, status, text) // 400: no schema either
	require.Contains(t, text, "forbidden")
}
