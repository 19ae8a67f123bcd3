package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"syscall"
	"time"

	"smartlead-receiver/pkg/local/persist"
	"smartlead-receiver/pkg/local/tabledef"
)

// Handlers are the functions of a stack.
type Handlers struct {
	Receiver HTTPHandler
	Worker   QueueHandler    // takes the live and the replay queue
	Sweeper  ScheduleHandler // nil: no such schedule
	Redrive  ScheduleHandler // nil: no such schedule
	// Reconcile compares with Smartlead; nil: no such schedule.
	Reconcile ScheduleHandler
	Archiver  ScheduleHandler // nil: no such schedule
}

// Options describe a stack. The zero value of a field takes the default of
// DefaultOptions.
type Options struct {
	Addr             string                        // host:port; port 0 picks one
	DynamoDBEndpoint string                        // empty: the embedded engine
	SQSEndpoint      string                        // empty: the embedded engine
	EngineAddr       string                        // host:port where programs outside reach the embedded engine as well; empty: nowhere
	DataDir          string                        // where the embedded engine keeps its state; empty: it ends with the process
	OnlyCopy         func(messageBody string) bool // see persist.Listen; nil: none is
	Provisioning     Provisioning

	ReceiverTimeout   time.Duration
	WorkerTimeout     time.Duration
	SweeperTimeout    time.Duration
	RedriveTimeout    time.Duration
	ReconcileTimeout  time.Duration
	ArchiverTimeout   time.Duration
	LiveConcurrency   int
	ReplayConcurrency int
	SweepEvery        time.Duration
	RedriveEvery      time.Duration
	ReconcileEvery    time.Duration // between two looks whether a comparison is due
	ArchiverEvery     time.Duration // between two looks whether something is to be archived
	Grace             time.Duration // how long a schedule's tick may go on when the stack stops

	Log *slog.Logger
}

// DefaultOptions are fit for a person who tries things out: schedules and the
// worker's timeout are shorter than those of the template, so that a repair is
// seen within seconds. The redrive function hides the dead letters that it looks at
// for a moment, so that it runs less often than the sweeper.
func DefaultOptions() Options {
	return Options{
		Addr:              "127.0.0.1:8080",
		ReceiverTimeout:   10 * time.Second,
		WorkerTimeout:     20 * time.Second,
		SweeperTimeout:    50 * time.Second,
		RedriveTimeout:    5 * time.Minute,
		ReconcileTimeout:  10 * time.Minute,
		ArchiverTimeout:   5 * time.Minute,
		LiveConcurrency:   10,
		ReplayConcurrency: 2,
		SweepEvery:        5 * time.Second,
		RedriveEvery:      2 * time.Second,
		ReconcileEvery:    2 * time.Second,
		ArchiverEvery:     2 * time.Second,
		Grace:             2 * time.Second,
		Log:               slog.New(slog.DiscardHandler),
	}
}

// Build makes the functions of a stack whose stores are there. Whatever it
// writes into them is there before the first request.
type Build func(ctx context.Context, clients *Clients, resources Resources) (Handlers, error)

// Stack is a running local stack.
type Stack struct {
	URL       string // of the front, without a path
	EngineURL string // of the embedded engine at Options.EngineAddr, if any
	Clients   *Clients
	Resources Resources
	Restored  persist.Restored // what was there at the start, with a DataDir

	engine *Engine
	kept   *kept // nil without a DataDir
	server *http.Server
	cancel context.CancelFunc
	loops  sync.WaitGroup
}

// Start brings a stack up; when it returns, everything serves. An error says
// what to do about it, and leaves nothing behind.
func Start(ctx context.Context, options Options, build Build) (*Stack, error) {
	options = withDefaults(options)
	for name, endpoint := range map[string]string{"DynamoDB": options.DynamoDBEndpoint, "SQS": options.SQSEndpoint} {
		if endpoint == "" {
			continue
		}
		if err := CheckURL(endpoint); err != nil {
			return nil, fmt.Errorf("%s endpoint: %w", name, err)
		}
	}
	listener, err := listen(ctx, options.Addr)
	if err != nil {
		return nil, err
	}
	s := &Stack{URL: "http://" + listener.Addr().String(), engine: StartEngine()}
	handlers, err := s.prepare(ctx, options, build)
	if err != nil {
		return nil, errors.Join(err, listener.Close(), s.release())
	}
	s.serve(listener, options, handlers)
	return s, nil
}

func (s *Stack) prepare(ctx context.Context, options Options, build Build) (Handlers, error) {
	var err error
	items, rest := s.engine.URL, s.engine.Direct
	if options.DataDir != "" {
		if s.kept, err = keep(ctx, items, options); err != nil {
			return Handlers{}, err
		}
		items, rest = s.kept.front.URL, s.kept.front.URL
	}
	if err := s.openEngine(ctx, options); err != nil {
		return Handlers{}, err
	}
	s.Clients = Connect(Endpoints{
		DynamoDB: or(options.DynamoDBEndpoint, items),
		SQS:      or(options.SQSEndpoint, rest),
		SSM:      rest,
		S3:       rest,
	})
	if s.Resources, err = Provision(ctx, s.Clients, options.Provisioning); err != nil {
		return Handlers{}, err
	}
	if s.kept != nil {
		if s.Restored, err = s.kept.front.Restore(ctx, tabledef.TTLAttribute, time.Now()); err != nil {
			return Handlers{}, err
		}
	}
	return build(ctx, s.Clients, s.Resources)
}

// openEngine lets others than this process's own clients reach the engine.
func (s *Stack) openEngine(ctx context.Context, options Options) error {
	if options.EngineAddr == "" {
		return nil
	}
	if options.DynamoDBEndpoint != "" || options.SQSEndpoint != "" {
		return errors.New("the embedded engine is opened only where it serves everything: leave out --engine-addr, or the endpoint of another engine")
	}
	front := s.engine.front.Relay
	if s.kept != nil {
		front = s.kept.front.Relay
	}
	at, err := front.Also(ctx, options.EngineAddr)
	if err != nil {
		return fmt.Errorf("--engine-addr %q, which must be host:port of this machine and free: %w", options.EngineAddr, err)
	}
	s.EngineURL = "http://" + at
	return nil
}

// kept is what makes the embedded engine keep its state.
type kept struct {
	store *persist.Store
	front *persist.Front
}

func keep(ctx context.Context, engine string, options Options) (*kept, error) {
	store, err := persist.Open(options.DataDir)
	if errors.Is(err, persist.ErrInUse) {
		return nil, fmt.Errorf("%w: stop that one, or keep the state in another directory with --data", err)
	}
	if err != nil {
		return nil, err
	}
	front, err := persist.Listen(ctx, engine, store, options.OnlyCopy)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &kept{store, front}, nil
}

// release gives back what Start took, and says where something was not written.
func (s *Stack) release() error {
	if s.Clients != nil {
		s.Clients.Close()
	}
	var err error
	if s.kept != nil {
		s.kept.front.Close()
		err = s.kept.store.Close()
	}
	s.engine.Close()
	return err
}

func (s *Stack) serve(listener net.Listener, options Options, handlers Handlers) {
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(context.Background())
	poller := func(queue Queue, concurrency int) *Poller {
		return &Poller{
			Client: s.Clients.SQS, Queue: queue, Function: "worker", Handler: handlers.Worker,
			BatchSize: 10, MaxConcurrency: concurrency, Timeout: options.WorkerTimeout, Log: options.Log,
		}
	}
	live := poller(s.Resources.Live, options.LiveConcurrency)
	replay := poller(s.Resources.Replay, options.ReplayConcurrency)
	s.loops.Go(func() { live.Run(ctx) })
	s.loops.Go(func() { replay.Run(ctx) })
	s.schedule(ctx, options, "sweeper", handlers.Sweeper, options.SweepEvery, options.SweeperTimeout)
	s.schedule(ctx, options, "redrive", handlers.Redrive, options.RedriveEvery, options.RedriveTimeout)
	s.schedule(ctx, options, "reconcile", handlers.Reconcile, options.ReconcileEvery, options.ReconcileTimeout)
	s.schedule(ctx, options, "archiver", handlers.Archiver, options.ArchiverEvery, options.ArchiverTimeout)

	s.server = &http.Server{
		Handler:           NewFront(handlers.Receiver, options.ReceiverTimeout, options.Log),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(options.Log.Handler(), slog.LevelWarn),
	}
	s.loops.Go(func() {
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			options.Log.Error("the front stopped serving", "error", err.Error())
		}
	})
}

func (s *Stack) schedule(ctx context.Context, options Options, function string, handler ScheduleHandler, every, timeout time.Duration) {
	if handler == nil {
		return
	}
	schedule := &Schedule{
		Function: function, Handler: handler, Every: every, Timeout: timeout,
		Grace: options.Grace, Log: options.Log,
	}
	s.loops.Go(func() { schedule.Run(ctx) })
}

// Stop ends the stack in an order that loses nothing: no new request, the ones
// in flight finish, then batches and ticks in flight; the rest stays in the
// queue. It returns when nothing runs any more, which the functions' timeouts
// bound. An error says that the DataDir could not be written.
func (s *Stack) Stop() error {
	_ = s.server.Shutdown(context.Background()) // without a deadline it only reports the listener's own error
	s.cancel()
	s.loops.Wait()
	return s.release()
}

func withDefaults(o Options) Options {
	d := DefaultOptions()
	o.Addr = or(o.Addr, d.Addr)
	o.ReceiverTimeout = or(o.ReceiverTimeout, d.ReceiverTimeout)
	o.WorkerTimeout = or(o.WorkerTimeout, d.WorkerTimeout)
	o.SweeperTimeout = or(o.SweeperTimeout, d.SweeperTimeout)
	o.RedriveTimeout = or(o.RedriveTimeout, d.RedriveTimeout)
	o.ReconcileTimeout = or(o.ReconcileTimeout, d.ReconcileTimeout)
	o.ArchiverTimeout = or(o.ArchiverTimeout, d.ArchiverTimeout)
	o.LiveConcurrency = or(o.LiveConcurrency, d.LiveConcurrency)
	o.ReplayConcurrency = or(o.ReplayConcurrency, d.ReplayConcurrency)
	o.SweepEvery = or(o.SweepEvery, d.SweepEvery)
	o.RedriveEvery = or(o.RedriveEvery, d.RedriveEvery)
	o.ReconcileEvery = or(o.ReconcileEvery, d.ReconcileEvery)
	o.ArchiverEvery = or(o.ArchiverEvery, d.ArchiverEvery)
	o.Grace = or(o.Grace, d.Grace)
	o.Log = or(o.Log, d.Log)
	// AWS asks for six times the function's timeout.
	o.Provisioning.Visibility = or(o.Provisioning.Visibility, 6*o.WorkerTimeout)
	return o
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is taken: stop what listens there, or choose another address with --addr (port 0 picks a free one)", addr)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %q, which must be host:port: %w", addr, err)
	}
	return listener, nil
}

// CheckURL returns an error for text that is no absolute http or https URL.
func CheckURL(text string) error {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return fmt.Errorf("%q is no http:// or https:// URL", text)
	}
	return nil
}
