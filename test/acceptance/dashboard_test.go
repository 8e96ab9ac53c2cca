package acceptance

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metricsql"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"weaviate-colpali/test/acceptance/server"
)

const deploy = "../../tools/dev/deploy/"

// TestDashboardAndAlerts: whatever the dashboard shows and the alerts watch, a server that imported and
// answered exports, with these labels; and docs/metrics.md explains exactly the alerts that there are.
func TestDashboardAndAlerts(t *testing.T) {
	n := start(t, server.Options{Env: map[string]string{"PROMETHEUS_MONITORING_ENABLED": "true"}})
	n.create(t, pageCollection("Watched"))
	n.imports(t, pageObjects(t, "Watched"))
	n.settle(t)
	require.NoError(t, n.Stop()) // writes a file of the index
	require.NoError(t, n.Restart())
	require.NotEmpty(t, n.search(t, "Watched", query{nearText: n.text("tractor engine oil"), limit: 3}))
	series := exported(n.scrape(t))

	queries := dashboardQueries(t)
	require.Greater(t, len(queries), 25)
	alerts := alertRules(t)
	for _, a := range alerts {
		queries = append(queries, a.Expr)
	}
	for _, q := range queries {
		requireExported(t, series, q)
	}

	page, err := os.ReadFile("../../docs/metrics.md")
	require.NoError(t, err)
	require.Equal(t, explainedAlerts(t, string(page)), alerts)
}

// exported is the labels of every series, by name.
func exported(scraped map[string]float64) map[string][]map[string]string {
	label := regexp.MustCompile(`(\w+)="((?:[^"\\]|\\.)*)"`)
	series := map[string][]map[string]string{}
	for line := range scraped {
		name, rest, _ := strings.Cut(line, "{")
		labels := map[string]string{}
		for _, m := range label.FindAllStringSubmatch(rest, -1) {
			labels[m[1]] = m[2]
		}
		series[name] = append(series[name], labels)
	}
	return series
}

// dashboardQueries are the queries of all panels, with Grafana's variables as "All" fills them in.
func dashboardQueries(t *testing.T) (queries []string) {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	raw, err := os.ReadFile(deploy + "grafana-dashboard.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &dashboard))
	variables := strings.NewReplacer("$class", ".*", "$shard", ".*", "$vector", ".*", "$__rate_interval", "5m")
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			queries = append(queries, variables.Replace(target.Expr))
		}
	}
	return queries
}

// alert is the part of a rule that docs/metrics.md tells, too.
type alert struct {
	Expr string `yaml:"expr"`
	For  string `yaml:"for"`
}

func alertRules(t *testing.T) []alert {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []alert `yaml:"rules"`
		} `yaml:"groups"`
	}
	raw, err := os.ReadFile(deploy + "prometheus-alerts.yaml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(raw, &file))
	require.Len(t, file.Groups, 1)
	return file.Groups[0].Rules
}

// explainedAlerts are the rows under "What to be woken by".
func explainedAlerts(t *testing.T, page string) (alerts []alert) {
	t.Helper()
	_, page, found := strings.Cut(page, "## What to be woken by")
	require.True(t, found)
	page, _, _ = strings.Cut(page, "\n## ")
	row := regexp.MustCompile("(?m)^\\| `(.+?)`(?: for (\\d+) (minutes|hour))? \\|")
	for _, m := range row.FindAllStringSubmatch(page, -1) {
		a := alert{Expr: strings.ReplaceAll(m[1], `\|`, "|")}
		if m[2] != "" {
			a.For = m[2] + m[3][:1]
		}
		alerts = append(alerts, a)
	}
	return alerts
}

// requireExported parses a query and looks for a series for each selector in it, and for the labels that it
// groups by.
func requireExported(t *testing.T, series map[string][]map[string]string, q string) {
	t.Helper()
	parsed, err := metricsql.Parse(q)
	require.NoError(t, err, q)
	selected := selectors(parsed)
	require.NotEmpty(t, selected, q)
	for _, filters := range selected {
		require.Equal(t, "__name__", filters[0].Label, q)
		name := filters[0].Value
		require.True(t, anyMatches(series[name], filters[1:]), "%s: the server has no such series of %s", q, name)
	}
	metricsql.VisitAll(parsed, func(e metricsql.Expr) {
		if sum, ok := e.(*metricsql.AggrFuncExpr); ok {
			for _, filters := range selectors(sum) {
				for _, label := range sum.Modifier.Args {
					require.Contains(t, series[filters[0].Value][0], label, q)
				}
			}
		}
	})
}

// selectors are the filters of every metric in an expression, the one of its name first.
func selectors(e metricsql.Expr) (filters [][]metricsql.LabelFilter) {
	metricsql.VisitAll(e, func(e metricsql.Expr) {
		if m, ok := e.(*metricsql.MetricExpr); ok {
			filters = append(filters, m.LabelFilterss...)
		}
	})
	return filters
}

func anyMatches(series []map[string]string, filters []metricsql.LabelFilter) bool {
	for _, labels := range series {
		all := true
		for _, f := range filters {
			value, there := labels[f.Label]
			all = all && there && regexp.MustCompile("^(?:"+f.Value+")$").MatchString(value)
		}
		if all {
			return true
		}
	}
	return false
}
