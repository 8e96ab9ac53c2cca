package acceptance

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/entities/models"
)

// TestTenants: each tenant has an index of its own, which sleeps and wakes with it.
func TestTenants(t *testing.T) {
	n := shared(t)
	const class, count = "Tenants", 20
	collection := matrixCollection(class)
	collection.MultiTenancyConfig = &models.MultiTenancyConfig{Enabled: true}
	n.create(t, collection)
	tenants := []models.Tenant{{Name: "north"}, {Name: "south"}, {Name: "empty"}}
	require.NoError(t, n.rest.Schema().TenantsCreator().WithClassName(class).WithTenants(tenants...).Do(t.Context()))
	for i, tenant := range []string{"north", "south"} {
		objects := matrixObjects(class, count, uint64(20+i))
		for _, object := range objects {
			object.Tenant = tenant
		}
		n.imports(t, objects)
	}
	q := randomMatrix(seeded(22), 4, matrixDim)
	near := func(tenant string) query {
		return query{nearVector: n.vector(ownVector, q), limit: 2 * count, tenant: tenant}
	}
	north, south := n.stored(t, class, ownVector, "north"), n.stored(t, class, ownVector, "south")
	require.NotEqual(t, north, south)
	check := func(t *testing.T) {
		t.Helper()
		requireExact(t, q, north, count, n.search(t, class, near("north")))
		requireExact(t, q, south, count, n.search(t, class, near("south")))
	}
	check(t)
	require.Empty(t, n.search(t, class, near("empty")))
	n.refused(t, class, near("nobody"), "nobody")

	activity := func(status string) {
		require.NoError(t, n.rest.Schema().TenantsUpdater().WithClassName(class).
			WithTenants(models.Tenant{Name: "north", ActivityStatus: status}).Do(t.Context()))
	}
	activity(models.TenantActivityStatusCOLD)
	n.refused(t, class, near("north"), "not active")
	requireExact(t, q, south, count, n.search(t, class, near("south")))
	activity(models.TenantActivityStatusHOT)
	check(t)
	require.Equal(t, north, n.stored(t, class, ownVector, "north"))

	require.NoError(t, n.rest.Schema().TenantsDeleter().WithClassName(class).WithTenants("south").Do(t.Context()))
	n.refused(t, class, near("south"), "south")
	requireExact(t, q, north, count, n.search(t, class, near("north")))

	// A tenant of the same name starts empty.
	require.NoError(t, n.rest.Schema().TenantsCreator().WithClassName(class).WithTenants(models.Tenant{Name: "south"}).Do(t.Context()))
	require.Empty(t, n.search(t, class, near("south")))
}

// TestTenantPages: the module's vectors go to the tenant of their object.
func TestTenantPages(t *testing.T) {
	n := shared(t)
	const class = "TenantPages"
	collection := pageCollection(class)
	collection.MultiTenancyConfig = &models.MultiTenancyConfig{Enabled: true}
	n.create(t, collection)
	require.NoError(t, n.rest.Schema().TenantsCreator().WithClassName(class).
		WithTenants(models.Tenant{Name: "north"}, models.Tenant{Name: "south"}).Do(t.Context()))
	objects := pageObjects(t, class)[:4]
	for i, object := range objects {
		object.Tenant = []string{"north", "south"}[i%2]
	}
	n.imports(t, objects)
	for i, tenant := range []string{"north", "south"} {
		hits := n.search(t, class, query{nearText: n.text(samples[i].question), tenant: tenant, limit: 4})
		require.ElementsMatch(t, []string{samples[i].title, samples[i+2].title}, titles(hits))
		why := n.explainOne(t, class, fmt.Sprintf(`tenant: %q, nearText: {concepts: [%q]}`, tenant, samples[i].question), "")
		require.InDelta(t, -hits[0].Distance, why.Score, 1e-4)
		require.Equal(t, 2, why.Searched.Candidates, "those of the other tenant are none")
	}
}
