// Command verify receives deliveries and refuses what is not signed with the
// secret that "smartleadctl destinations add" printed.
package main

import (
	"io"
	"log"
	"net/http"
	"os"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const maxBody = 16 << 20 // bytes

func main() {
	secret := os.Getenv("WEBHOOK_SECRET")
	if len(secret) < len("whsec_")+32 {
		log.Fatal("set WEBHOOK_SECRET to the signing secret, which begins with whsec_")
	}
	webhook, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{
		Addr:              "127.0.0.1:" + os.Getenv("PORT"),
		Handler:           receive(webhook),
		ReadHeaderTimeout: 5 * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}

func receive(webhook *standardwebhooks.Webhook) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		// The signature covers these bytes: verify first, decode afterwards.
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, "the body cannot be read", http.StatusServiceUnavailable)
			return
		}
		if err := webhook.Verify(body, r.Header); err != nil {
			http.Error(w, "the signature is not valid", http.StatusUnauthorized)
			return
		}
		apply(r.Header.Get("webhook-id"), body)
		w.WriteHeader(http.StatusNoContent)
	}
}

// apply is yours. Apply an id once: it comes again when an answer was lost.
func apply(id string, event []byte) {
	log.Printf("%q: %d bytes", id, len(event))
}
