// A cluster with SASL: the address and the user name are settings, the password is a secret of the vault.
using '../main.bicep'

param pipelineSettings = {
  KAFKA_BROKERS: 'kafka-1.example.com:9093,kafka-2.example.com:9093'
  KAFKA_USERNAME: 'matih'
  SCHEMA_REGISTRY_URL: 'https://registry.example.com'
}
param pipelineSecrets = {
  KAFKA_PASSWORD: 'kafka-password'
  SCHEMA_REGISTRY_PASSWORD: 'schema-registry-password'
}
param alertEmails = ['data-platform@example.com']
