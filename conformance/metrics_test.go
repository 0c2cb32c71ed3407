package conformance

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/metrics"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// TestMetrics has the metrics read by Prometheus's own parser.
func TestMetrics(t *testing.T) {
	var s bobtail.Stats
	s.Accepted, s.Open = 1<<53, 7
	s.Requests[2] = 42
	p := expfmt.NewTextParser(model.LegacyValidation)
	families, err := p.TextToMetricFamilies(bytes.NewReader(metrics.Append(nil, &s)))
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range families {
		counter := strings.HasSuffix(name, "_total")
		if f.GetHelp() == "" || counter != (f.GetType() == dto.MetricType_COUNTER) || !counter && f.GetType() != dto.MetricType_GAUGE {
			t.Errorf("%s is %v, with help %q", name, f.GetType(), f.GetHelp())
		}
	}
	if len(families) < 25 {
		t.Errorf("%d families", len(families))
	}
	if f := families["bobtail_connections_accepted_total"]; f == nil || f.Metric[0].GetCounter().GetValue() != 1<<53 {
		t.Errorf("accepted: %v", f)
	}
	if f := families["bobtail_sockets_open"]; f == nil || f.Metric[0].GetGauge().GetValue() != 7 {
		t.Errorf("open: %v", f)
	}
	for _, m := range families["bobtail_requests_total"].GetMetric() {
		if m.Label[0].GetName() != "class" || (m.Label[0].GetValue() == "2xx") != (m.GetCounter().GetValue() == 42) {
			t.Errorf("requests: %v", m)
		}
	}
}
