//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
)

// The functions, as their outputs and policies are named.
var functions = []string{"Receiver", "Worker", "Sweeper", "Redrive", "Reconcile", "Archiver"}

// function is a deployed function's configuration.
type function struct {
	Name        string `json:"FunctionName"`
	Role        string
	Environment struct{ Variables map[string]string }
}

func (f function) roleName() string { return f.Role[strings.LastIndexByte(f.Role, '/')+1:] }

func (s *stack) function(ctx context.Context, name string) (function, error) {
	answer, err := s.service(ctx, "lambda", http.MethodGet,
		"/2015-03-31/functions/"+s.outputs[name+"FunctionName"]+"/configuration", nil)
	if err != nil {
		return function{}, err
	}
	var f function
	err = json.Unmarshal(answer, &f)
	return f, err
}

// watchFunctions sends every function's calls to AWS through a watch of its own.
func (s *stack) watchFunctions(ctx context.Context) error {
	s.watches = map[string]*watch{}
	for _, name := range functions {
		f, err := s.function(ctx, name)
		if err != nil {
			return err
		}
		w, err := newWatch(s)
		if err != nil {
			return err
		}
		s.watches[name] = w
		// By service, because the engine sets AWS_ENDPOINT_URL to itself.
		for _, service := range []string{"DYNAMODB", "S3", "SQS", "SSM"} {
			f.Environment.Variables["AWS_ENDPOINT_URL_"+service] = w.server.URL
		}
		if name == "Reconcile" { // a test switches it on
			f.Environment.Variables["RECONCILE_REPAIR"] = "off"
		}
		if err := s.configureFunction(ctx, f); err != nil {
			return fmt.Errorf("watch %s: %w", name, err)
		}
	}
	return nil
}

// makesEvents is the policy of the function that compares, where it is to make events.
const makesEvents = "makes-events"

// configureFunction gives a function another environment.
func (s *stack) configureFunction(ctx context.Context, f function) error {
	change, err := json.Marshal(map[string]any{"Environment": f.Environment})
	if err != nil {
		return err
	}
	_, err = s.service(ctx, "lambda", http.MethodPut, "/2015-03-31/functions/"+f.Name+"/configuration", change)
	return err
}

// checkRights returns an error for every call of a function that its role does
// not allow, and for a function that was not watched at work.
func (s *stack) checkRights(ctx context.Context) error {
	var problems []error
	for _, name := range functions {
		f, err := s.function(ctx, name)
		if err != nil {
			return err
		}
		policies := []string{strings.ToLower(name)}
		if name == "Reconcile" { // deployed so that it may make events
			policies = append(policies, makesEvents)
		}
		if name == "Archiver" { // deployed with an archive
			policies = append(policies, "archive")
		}
		r, err := s.rightsOf(ctx, f.roleName(), policies...)
		if err != nil {
			return err
		}
		calls := s.watches[name].calls()
		if len(calls) == 0 {
			problems = append(problems, fmt.Errorf("%s made no call that was watched", name))
		}
		for _, called := range calls {
			if !r.allow(called) {
				problems = append(problems, fmt.Errorf("the role of %s does not allow %s", name, called))
			}
		}
		fmt.Fprintf(os.Stderr, "e2e: %s made %d kinds of calls\n", name, len(calls))
	}
	return errors.Join(problems...)
}

// watchTools makes a watch for each policy that the tool is run with.
func (s *stack) watchTools() error {
	s.tools = map[string]*watch{}
	for _, who := range []string{"operator", "reader"} {
		w, err := newWatch(s)
		if err != nil {
			return err
		}
		s.tools[who] = w
	}
	s.tools["reader"].refuses = "ssm:" // where the secrets are
	return nil
}

func (s *stack) stopWatching() {
	for _, watches := range []map[string]*watch{s.watches, s.tools} {
		for _, w := range watches {
			w.server.Close()
		}
	}
}
