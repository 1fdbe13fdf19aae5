metadata description = 'Lets the app read some secrets of a vault that holds those of others too. They must be there already.'

param vaultName string
param secretNames string[]

@description('The identity of the app.')
param principalId string

var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'

resource vault 'Microsoft.KeyVault/vaults@2026-05-15' existing = {
  name: vaultName
}

resource secrets 'Microsoft.KeyVault/vaults/secrets@2026-05-15' existing = [
  for secret in secretNames: {
    parent: vault
    name: secret
  }
]

resource readers 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (secret, index) in secretNames: {
    scope: secrets[index]
    name: guid(vault.id, secret, principalId, keyVaultSecretsUser)
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
    }
  }
]
