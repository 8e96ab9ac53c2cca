package target

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"weaviate-colpali/tools/dev/rest"
)

// Module that must be in the server.
const Module = "multi2multivec-colpali"

// Target is a collection, or a tenant of it, that was checked and takes pages.
type Target struct {
	client     *rest.Client
	collection string
	tenant     string // empty: the collection has no tenants
	image      string // the property with the page's image
}

// Open checks the server and the collection before anything is sent, and creates the collection, or the tenant, if
// it is missing.
func Open(ctx context.Context, client *rest.Client, collection, tenant string) (*Target, error) {
	t := &Target{client: client, collection: collection, tenant: tenant}
	if err := t.checkServer(ctx); err != nil {
		return nil, err
	}
	class, err := t.class(ctx)
	created := isStatus(err, http.StatusNotFound)
	if created {
		class, err = t.create(ctx)
	}
	if err != nil {
		return nil, err
	}
	t.collection = class.Class // Weaviate makes the first letter a capital
	if t.image, err = class.check(tenant); err != nil {
		if created {
			// It is empty and of no use: somebody would import into it by other means.
			err = errors.Join(err, t.drop(ctx))
		}
		return nil, err
	}
	return t, t.ensureTenant(ctx)
}

// checkServer looks for the module: a server without it would store pages and never find them.
func (t *Target) checkServer(ctx context.Context) error {
	var meta struct {
		Version string
		Modules map[string]any
	}
	if err := t.client.Do(ctx, http.MethodGet, "/meta", nil, &meta); err != nil {
		return fmt.Errorf("is the server running, and is the key right? %w", err)
	}
	module, ok := meta.Modules[Module]
	if !ok {
		return fmt.Errorf("the server, Weaviate %s, runs without the module %s: start the one that `make server` builds",
			meta.Version, Module)
	}
	if said, ok := module.(map[string]any); ok && said["error"] != nil {
		return fmt.Errorf("the server's module %s does not work: %v", Module, said["error"])
	}
	return nil
}

func (t *Target) class(ctx context.Context) (class, error) {
	var c class
	return c, t.client.Do(ctx, http.MethodGet, "/schema/"+url.PathEscape(t.collection), nil, &c)
}

// create makes the collection, and returns what the server made of it.
func (t *Target) create(ctx context.Context) (class, error) {
	err := t.client.Do(ctx, http.MethodPost, "/schema", newClass(t.collection, t.tenant != ""), nil)
	if err != nil {
		return class{}, fmt.Errorf("create the collection %s: %w", t.collection, err)
	}
	return t.class(ctx)
}

func (t *Target) drop(ctx context.Context) error {
	return t.client.Do(ctx, http.MethodDelete, "/schema/"+url.PathEscape(t.collection), nil, nil)
}

func (t *Target) ensureTenant(ctx context.Context) error {
	if t.tenant == "" {
		return nil
	}
	tenants := "/schema/" + url.PathEscape(t.collection) + "/tenants"
	err := t.client.Do(ctx, http.MethodGet, tenants+"/"+url.PathEscape(t.tenant), nil, nil)
	if !isStatus(err, http.StatusNotFound) {
		return err
	}
	return t.client.Do(ctx, http.MethodPost, tenants, []map[string]string{{"name": t.tenant}}, nil)
}

func isStatus(err error, code int) bool {
	var status *rest.StatusError
	return errors.As(err, &status) && status.Code == code
}
