metadata description = 'A storage account for the tables, without shared keys.'

import { lake } from '../types.bicep'

param name string
param settings lake
param location string
param tags object
param publicNetworkAccess bool

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: settings.sku }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    isHnsEnabled: settings.hierarchicalNamespace
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: publicNetworkAccess ? 'Enabled' : 'Disabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: publicNetworkAccess ? 'Allow' : 'Deny'
    }
  }

  resource blobs 'blobServices' = {
    name: 'default'
    properties: {
      deleteRetentionPolicy: {
        enabled: true
        days: settings.softDeleteDays
      }
      containerDeleteRetentionPolicy: {
        enabled: true
        days: settings.softDeleteDays
      }
    }

    resource warehouse 'containers' = {
      name: settings.container
      properties: { publicAccess: 'None' }
    }
  }
}

output id string = account.id
output name string = account.name
