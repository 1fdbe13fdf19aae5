metadata description = 'Lets the app read and write one container, and no other of the account.'

param accountName string
param container string

@description('The identity of the app.')
param principalId string

var storageBlobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: accountName

  resource blobs 'blobServices' existing = {
    name: 'default'

    resource warehouse 'containers' existing = {
      name: container
    }
  }
}

resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account::blobs::warehouse
  name: guid(account::blobs::warehouse.id, principalId, storageBlobDataContributor)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
  }
}
