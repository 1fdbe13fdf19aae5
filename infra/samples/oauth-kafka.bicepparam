// A cluster that takes tokens (OAUTHBEARER, by OIDC): a client of the identity provider instead of a password of the cluster.
using '../main.bicep'

param pipelineSettings = {
  KAFKA_BROKERS: 'kafka.example.com:9093'
  KAFKA_TOKEN_ENDPOINT: 'https://identity.example.com/oauth2/token'
  KAFKA_CLIENT_ID: 'matih'
  KAFKA_SCOPE: 'kafka'
}
param pipelineSecrets = {
  KAFKA_CLIENT_SECRET: 'kafka-client-secret'
}
