metadata description = 'The Functions app on the Flex Consumption plan: scales every source by itself, and to zero.'

import { flexScale } from '../types.bicep'

param name string
param planName string
param location string
param tags object

@description('Settings of the app, by name.')
param settings object
param scale flexScale

@description('Address of the container that holds the package.')
param packagesUrl string
param identityId string

@description('Subnet of the app; empty for none.')
param subnetId string
param publicNetworkAccess bool

// The platform sets these itself or has them in functionAppConfig; a deployment that sets them fails or has no effect.
var refusedNames = [
  'ENABLE_ORYX_BUILD'
  'FUNCTIONS_EXTENSION_VERSION'
  'FUNCTIONS_WORKER_RUNTIME'
  'FUNCTIONS_WORKER_RUNTIME_VERSION'
  'SCM_DO_BUILD_DURING_DEPLOYMENT'
  'TZ'
  'WEBSITE_CONTENTAZUREFILECONNECTIONSTRING'
  'WEBSITE_CONTENTOVERVNET'
  'WEBSITE_CONTENTSHARE'
  'WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT'
  'WEBSITE_RUN_FROM_PACKAGE'
  'WEBSITE_TIME_ZONE'
  'WEBSITE_VNET_ROUTE_ALL'
]
var refused = filter(objectKeys(settings), name => contains(refusedNames, toUpper(name)))
var acceptedSettings = empty(refused)
  ? settings
  : fail('Flex Consumption does not take the settings ${join(refused, ', ')}: remove them from pipelineSettings.')

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    tier: 'FlexConsumption'
    name: 'FC1'
  }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  // By this tag azd finds where the package goes.
  tags: union(tags, { 'azd-service-name': 'functions' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    publicNetworkAccess: publicNetworkAccess ? 'Enabled' : 'Disabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packagesUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'dotnet-isolated'
        version: '10.0'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: scale.instanceMemoryMB
        maximumInstanceCount: scale.maximumInstanceCount
        alwaysReady: scale.alwaysReady
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      http20Enabled: true
      appSettings: map(items(acceptedSettings), setting => {
        name: setting.key
        value: setting.value
      })
    }
  }

  // Packages are published with a token of Entra ID, never with a user name and a password.
  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }

  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }
}

output id string = app.id
output hostName string = app.properties.defaultHostName
