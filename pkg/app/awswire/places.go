package awswire

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
)

// Places says where the services of AWS are, as the environment has it.
type Places struct{ Getenv func(string) string }

// Engine names an engine that stands in for a service, "" for none
// (docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html).
func (p Places) Engine(id string) string {
	return cmp.Or(p.Getenv("AWS_ENDPOINT_URL_"+id), p.Getenv("AWS_ENDPOINT_URL"))
}

// At is where a service is, by its name in a signature: the endpoint of the SDK's rules,
// which the packages of the services hold, and those are not linked.
func (p Places) At(service, region string) (url.URL, error) {
	id := strings.ToUpper(service)
	if service == "events" {
		id = "EVENTBRIDGE" // as the SDK calls it
	}
	if engine := p.Engine(id); engine != "" {
		u, err := url.Parse(engine)
		if err != nil {
			return url.URL{}, fmt.Errorf("where is the engine for %s? %w", id, err)
		}
		return *u, nil
	}
	domain := domains[""]
	for prefix, of := range domains {
		if prefix != "" && strings.HasPrefix(region, prefix) {
			domain = of
		}
	}
	// In GovCloud the plain names, but that of S3, are those of validated cryptography.
	fips := strings.EqualFold(p.Getenv("AWS_USE_FIPS_ENDPOINT"), "true")
	if fips && (service == "s3" || !strings.HasPrefix(region, "us-gov-")) {
		service += "-fips"
	}
	return url.URL{Scheme: "https", Host: service + "." + region + "." + domain}, nil
}

// domains are those of AWS's partitions, by how the names of their regions begin.
var domains = map[string]string{
	"":         "amazonaws.com",
	"cn-":      "amazonaws.com.cn",
	"eusc-":    "amazonaws.eu",
	"us-iso-":  "c2s.ic.gov",
	"us-isob-": "sc2s.sgov.gov",
	"us-isof-": "csp.hci.ic.gov",
	"eu-isoe-": "cloud.adc-e.uk",
}
